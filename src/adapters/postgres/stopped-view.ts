import type { DatabaseView } from '../../core/database.ts';
import type { ControlFile } from './control-file.ts';
import type { Histories } from './histories.ts';
import { lsnAt } from './lsn.ts';
import { toPosition, type Reach } from './positions.ts';

const WAS_REPLICA: ReadonlySet<string> = new Set(['in archive recovery', 'shut down in recovery']);
const CLEAN: ReadonlySet<string> = new Set(['shut down', 'shut down in recovery']);

/**
 * The end of the log of a server that is not running. A clean primary's last record is its shutdown checkpoint: whoever has
 * its first byte has everything. A replica has at least what it had applied. What a crashed primary wrote last only its own
 * recovery can tell.
 */
export const stoppedReach = async (control: ControlFile, histories: Histories): Promise<Reach | undefined> => {
  const { systemId } = control;
  const checkpoint = { timeline: control.checkpointTimeline, lsn: lsnAt(control.checkpoint + 1n) };
  if (!WAS_REPLICA.has(control.state) && !CLEAN.has(control.state)) return undefined;
  const recovered = { timeline: control.minRecoveryTimeline, lsn: control.minRecoveryEnd };
  const end = WAS_REPLICA.has(control.state) && recovered.lsn >= checkpoint.lsn ? recovered : checkpoint;
  return histories.reach(systemId, end.timeline, end.lsn);
};

export const stoppedView = async (
  control: ControlFile,
  histories: Histories,
  leftovers: number,
): Promise<DatabaseView> => {
  const reach = await stoppedReach(control, histories);
  return {
    kind: 'stopped',
    systemId: control.systemId,
    cleanly: CLEAN.has(control.state) && leftovers === 0,
    wasPrimary: !WAS_REPLICA.has(control.state),
    position: reach === undefined ? undefined : toPosition(reach),
    generation: reach?.timeline ?? Math.max(control.checkpointTimeline, control.minRecoveryTimeline),
    leftovers,
  };
};
