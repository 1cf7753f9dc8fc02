import { StepError } from '../../core/errors.ts';
import type { Position } from '../../core/position.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { endAfterStop, writeCleanEnd } from './clean-end.ts';
import { saidBy } from './errors.ts';
import { askFacts, type Facts } from './facts.ts';
import type { Parts } from './parts.ts';
import { gone } from '../engine/server-end.ts';
import { errnoOf } from './session.ts';

/** Share of the step's time after which a replica that does not take the rest of the log holds nobody up any more (C10). */
const PATIENCE_WITH_SENDERS = 0.4;
/** Lock wait timeout: something still runs that the sessions' end will end. */
const WAITING = 1205;

/** Ends every session of clients and operators; what waits in a commit ends with it. */
const endSessions = async (parts: Parts, facts: Facts, budget: Budget): Promise<number> => {
  const { admin } = parts;
  const rows = await admin.rows(budget.part(1_000), facts.dialect.clientSessions);
  for (const row of rows)
    await admin.rows(budget.part(1_000), facts.dialect.kill(row['id'] ?? '0')).catch((error: unknown) => {
      if (errnoOf(error) === undefined) throw error;
    });
  return rows.length;
};

/**
 * Takes the right to write from everybody: the setting waits for what is running, and meanwhile the sessions are ended, again and
 * again, because clients connect anew.
 */
const closeForWrites = async (parts: Parts, facts: Facts, budget: Budget): Promise<void> => {
  let closed = false;
  let failure: unknown;
  const close = async (): Promise<void> => {
    while (!closed) {
      budget.check('making the database read-only');
      try {
        await parts.admin.once(budget.part(), (session) => session.rows(budget.part(3_000), facts.dialect.close));
        closed = true;
      } catch (error) {
        if (errnoOf(error) !== WAITING) throw error;
      }
    }
  };
  const closing = close().catch((error: unknown) => {
    failure = error;
  });
  await budget.poll(20, budget.left(), async () => {
    await endSessions(parts, facts, budget);
    return closed || failure !== undefined ? true : undefined;
  });
  await closing;
  if (failure !== undefined) throw failure;
  await endSessions(parts, facts, budget);
};

const untilSent = async (parts: Parts, facts: Facts, budget: Budget): Promise<void> => {
  const sent = await budget.poll(10, budget.left() * PATIENCE_WITH_SENDERS, async () => {
    const rows = await parts.admin.rows(budget.part(1_000), facts.dialect.senders);
    return rows.every((row) => row['done'] === '1') ? true : undefined;
  });
  if (sent === undefined)
    parts.site.options.log.warn('database.senders_slow', 'a replica did not take the rest of the log in time');
};

/**
 * Ends the server cleanly: nobody may write, sessions are ended, the log is written and sent to whoever is connected. Returns
 * the end of the log. Throws `StepError` `timed-out` when the server is still there: fence it.
 */
export const stop = async (parts: Parts, step: Step): Promise<{ readonly finalPosition: Position | undefined }> => {
  const { site, server, admin } = parts;
  const { clock, processes, dataDir, log } = site.options;
  const budget = budgetOf(clock, step);
  const process = server.find();
  if (process === undefined) return { finalPosition: undefined };
  let last: Facts | undefined;
  let wasPrimary = false;
  try {
    const facts = await askFacts(parts, budget.part(2_000));
    wasPrimary = !facts.readOnly;
    if (wasPrimary) {
      await closeForWrites(parts, facts, budget);
      await untilSent(parts, facts, budget);
    }
    last = await askFacts(parts, budget.part());
  } catch (error) {
    step.signal.throwIfAborted();
    log.warn('database.stop_unasked', 'the server could not be prepared for its stop', { reason: saidBy(error) });
  }
  admin.reset();
  processes.signal(process, 'SIGTERM');
  if (!(await gone(site, process, budget, budget.left())))
    throw new StepError(
      'timed-out',
      `stopping the server (pid ${process.pid}) in ${dataDir}: not done within ${Math.round(step.timeout)} ms; fence it`,
    );
  await site.files.write(site.paths.replicaMark, '');
  if (last === undefined) return { finalPosition: undefined };
  const { dialect, generation } = last;
  const gtids = await endAfterStop(site, last.executed, { signal: step.signal, timeout: step.timeout });
  await writeCleanEnd(site, { gtids, generation, wasPrimary, whole: dialect.contains(gtids, last.received) });
  return { finalPosition: dialect.toPosition(gtids, generation) };
};
