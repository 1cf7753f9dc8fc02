import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import type { ProcessId } from '../../ports/processes.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { serverArguments } from './configuration.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { fence } from './fence.ts';
import { ifMissing } from '../engine/files.ts';
import { unfinished } from '../engine/markers.ts';
import { forgetPristine } from '../engine/pristine.ts';
import { ensureOwnSlot } from './own-slot.ts';
import type { Parts } from './parts.ts';
import { dropIdlePlaceholders } from './placeholders.ts';
import { untilIdle } from './receiving.ts';
import { writeSettings } from './reload.ts';
import { demandInForce } from './replication-parameters.ts';
import { checkpointerSettled } from './settled.ts';

/** How long a start looks whether waiting is switched on. */
const SWITCH_GRACE = 200;

export interface StartOrder extends Step {
  readonly source: Source | undefined;
  /** Stay on the timeline of the data, whatever history files lie there. */
  readonly ownTimelineOnly?: boolean;
}

/** Brings the files into the state in which every start enters recovery first, and follows `source` or nobody. */
const makeReplica = async (parts: Parts, order: StartOrder, budget: Budget): Promise<readonly string[]> => {
  const { site, control } = parts;
  const { dataDir, socketDir } = site.options;
  const found = await control.read(budget.part());
  if (found === undefined)
    throw new StepError(
      'refused',
      `starting PostgreSQL: ${dataDir} has no readable control file; clone this member anew`,
    );
  const fresh = { source: order.source, demand: undefined, waiting: undefined };
  const { commandLine } = await writeSettings(parts, fresh, budget);
  await cleanAutoConf(site, dataDir);
  for (const name of ['promote', 'recovery.signal']) await rm(join(dataDir, name), { force: true });
  const own = Math.max(found.checkpointTimeline, found.minRecoveryTimeline);
  await dropIdlePlaceholders(site, own);
  await site.files.directory(socketDir, 0o755);
  if ((await stat(site.paths.replicaMark).catch(ifMissing)) === undefined)
    await site.files.write(site.paths.replicaMark, '');
  const target = order.ownTimelineOnly === true ? { recovery_target_timeline: 'current' } : {};
  return serverArguments(dataDir, site.paths.conf, { ...commandLine, ...target });
};

/** Resolves once the agent's own query is answered. */
export const untilAnswering = async (parts: Parts, budget: Budget): Promise<void> => {
  let failure: unknown;
  const answered = await budget.poll(20, budget.left(), async () => {
    try {
      await parts.admin.rows(budget.part(2_000), 'select 1');
      return true;
    } catch (error) {
      failure = error;
      return undefined;
    }
  });
  if (answered === undefined)
    throw new StepError(
      'timed-out',
      `starting PostgreSQL in ${parts.site.options.dataDir}: it runs, but the agent's query is not answered: ${String(failure)}`,
      { cause: failure },
    );
};

/** Where the server was started with a demand, waiting is switched on from its start: later nobody has to ask its checkpointer. */
const rememberWaiting = async (parts: Parts, id: ProcessId, budget: Budget): Promise<void> => {
  if (demandInForce(await parts.settings.get()).kind === 'none') return;
  if (await checkpointerSettled(parts, budget, SWITCH_GRACE)) await parts.settings.set({ waiting: id });
};

/**
 * Starts a server that does not run, as a replica of `source` or of nobody: recovery from a crash runs first, then it waits as a
 * standby. What a dead server left behind is fenced before. Ends when it answers queries; without a source, when it has
 * replayed all of its log, so that its position is the end of it (C5).
 */
export const startStopped = async (parts: Parts, target: GuardTarget, order: StartOrder): Promise<void> => {
  const { site, postmaster } = parts;
  const { dataDir, processes, clock } = site.options;
  const budget = budgetOf(clock, order);
  site.endOrphans();
  const interrupted = await unfinished(site);
  if (interrupted !== undefined)
    throw new StepError(
      'refused',
      `starting PostgreSQL in ${dataDir}: a ${interrupted} was interrupted, so this is no database`,
    );
  if (processes.within(dataDir).length > 0) await fence(parts, target, budget.part());
  await forgetPristine(site);
  const args = await makeReplica(parts, order, budget);
  const id = await postmaster.launch(args);
  const slot = order.source === undefined ? undefined : ensureOwnSlot(site, order.source, budget.part());
  try {
    await postmaster.ready(id, budget);
  } finally {
    await slot;
  }
  await untilAnswering(parts, budget);
  await rememberWaiting(parts, id, budget);
  if (order.source === undefined && !(await untilIdle(parts, budget, budget.left())))
    throw new StepError(
      'timed-out',
      `starting PostgreSQL in ${dataDir}: still replaying its own log; see ${site.paths.log}`,
    );
};
