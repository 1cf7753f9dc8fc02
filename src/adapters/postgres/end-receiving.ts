import { elapsedAtLeast } from '../../core/instant.ts';
import { StepError } from '../../core/errors.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { endBlockers, wakeStartup } from './blockers.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { fence } from './fence.ts';
import type { Parts } from './parts.ts';
import { processState } from './process-state.ts';
import { receiving, type Receiving } from './receiving.ts';
import { reload } from './reload.ts';
import { startStopped } from './start-stopped.ts';

/** How long the receiver may go on by itself until it is ended by hand (A9). */
const RELOAD_GRACE = 300;
/** How long the server is waited for until it is ended at once and started without a source. */
const LAST_RESORT = 1_500;
/** Replayed records after which the startup process has surely looked at its configuration: it does between any two. */
const RECORDS = 2;

/** Ends the receiver by signal. The server may begin another until its startup process has heard that there is no source. */
export const endReceiver = async (parts: Parts, pid: number | undefined): Promise<void> => {
  const { processes } = parts.site.options;
  const server = await parts.postmaster.find();
  const found = pid === undefined ? undefined : processes.find(pid);
  if (found !== undefined && found.ppid === server?.pid) processes.signal(found, 'SIGTERM');
};

/**
 * Tells whether the startup process, which alone asks for receivers, goes by a configuration that the server has read before: it
 * waits between two attempts to get log, or it has replayed whole records since it took the signal.
 */
const createPassed = (): ((now: Receiving) => Promise<boolean>) => {
  let applied: string | undefined;
  let records = -1;
  return async (now) => {
    if (now.idle) return true;
    if (now.startup === undefined || (await processState(now.startup))?.reloadPending !== false) return false;
    if (now.applied !== applied) records += 1;
    ({ applied } = now);
    return records >= RECORDS;
  };
};

const endedByItself = async (parts: Parts, budget: Budget): Promise<boolean> => {
  const { clock } = parts.site.options;
  const begun = clock.now();
  const passed = createPassed();
  const found = await budget.poll(10, LAST_RESORT, async () => {
    const now = await receiving(parts, budget);
    if (!now.recovering) return true;
    if ((await passed(now)) && now.pid === undefined && !(await parts.postmaster.mayReceive())) return true;
    if (now.blocked || elapsedAtLeast(begun, clock.now()) > RELOAD_GRACE) await endReceiver(parts, now.pid);
    if (now.blocked) {
      await endBlockers(parts, budget.part(RELOAD_GRACE));
      await wakeStartup(parts, budget);
    }
    return undefined;
  });
  return found === true;
};

/**
 * Waits until a replica whose configuration (at `revision`) names no source receives from nobody, verified: no receiver among the
 * server's children, and the startup process has heard of it. A reload alone may do nothing while replay waits for a session (A9); then
 * receiver and sessions are ended, and at last the whole server, which comes back without a source.
 */
export const endReceiving = async (
  parts: Parts,
  target: GuardTarget,
  revision: number,
  budget: Budget,
): Promise<void> => {
  try {
    await reload(parts, revision, budgetOf(parts.site.options.clock, budget.part(LAST_RESORT)));
    if (await endedByItself(parts, budget)) return;
  } catch (error) {
    budget.check('ending the stream of the log');
    if (error instanceof StepError && error.code !== 'timed-out') throw error;
  }
  parts.site.options.log.warn(
    'database.receiver_stuck',
    'replay does not let go of its source; restarting without one',
  );
  await fence(parts, target, budget.part());
  await startStopped(parts, target, { ...budget.part(), source: undefined });
};
