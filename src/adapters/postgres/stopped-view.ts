import type { DatabaseView } from '../../core/database.ts';
import type { ControlFile } from './control-file.ts';
import type { Histories } from './histories.ts';
import { lsnAt, parseLsn } from './lsn.ts';
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

/**
 * Where a copy begins that has never run here (a clone, or data after a rewind): it contains everything up to there, whatever
 * the copied control file says of the server that it was copied from. `label` is the text of its backup_label.
 */
const copyReach = async (label: string, control: ControlFile, histories: Histories): Promise<Reach | undefined> => {
  const lsn = parseLsn(/^START WAL LOCATION: (\S+)/m.exec(label)?.[1]);
  const timeline = Number(/^START TIMELINE: (\d+)/m.exec(label)?.[1] ?? control.checkpointTimeline);
  return lsn === undefined ? undefined : histories.reach(control.systemId, timeline, lsn);
};

export const stoppedView = async (
  control: ControlFile,
  label: string | undefined,
  histories: Histories,
  leftovers: number,
): Promise<DatabaseView> => {
  if (label !== undefined) {
    const begin = await copyReach(label, control, histories);
    return {
      kind: 'stopped',
      systemId: control.systemId,
      cleanly: leftovers === 0,
      wasPrimary: false,
      position: begin === undefined ? undefined : toPosition(begin),
      generation: begin?.timeline ?? control.checkpointTimeline,
      leftovers,
    };
  }
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
