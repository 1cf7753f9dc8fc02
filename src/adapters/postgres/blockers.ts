import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { BLOCKERS } from './running-query.ts';

const STARTUP = `select pid from pg_stat_activity where backend_type = 'startup'`;

/**
 * Has the startup process look now whether its way is free: waiting for sessions, it sleeps for up to a second at a time, and any
 * signal that it takes ends the sleep.
 */
export const wakeStartup = async (parts: Parts, budget: Budget): Promise<void> => {
  const { processes } = parts.site.options;
  const [row] = await parts.admin.rows(budget.part(1_000), STARTUP);
  const server = await parts.postmaster.find();
  const found = row === undefined ? undefined : processes.find(Number(row['pid']));
  if (found !== undefined && found.ppid === server?.pid) processes.signal(found, 'SIGHUP');
};

/** The oldest first: often the others need not go. */
const OLDEST_FIRST = `select pid from (${BLOCKERS}) as blockers order by age(backend_xmin) desc nulls last`;
/** Rounds in which only the oldest session is ended; then all that block. */
const GENTLE_ROUNDS = 3;

/**
 * Ends the sessions that keep replay waiting, by signal to their processes, until none does. A promotion waits as long as
 * they do (measured: a snapshot of 60 s delayed one by 23 to 29 s). Returns how many were ended.
 */
export const endBlockers = async (parts: Parts, step: Step): Promise<number> => {
  const { processes, clock, log } = parts.site.options;
  const budget = budgetOf(clock, step);
  const ended = new Set<number>();
  let round = 0;
  await budget.poll(20, budget.left(), async () => {
    const rows = await parts.admin.rows(budget.part(1_000), OLDEST_FIRST);
    if (rows.length === 0) return true;
    const server = await parts.postmaster.find();
    round += 1;
    for (const row of round > GENTLE_ROUNDS ? rows : rows.slice(0, 1)) {
      const found = processes.find(Number(row['pid']));
      if (found?.ppid === server?.pid && found !== undefined && processes.signal(found, 'SIGTERM'))
        ended.add(found.pid);
    }
    return undefined;
  });
  if (ended.size > 0) await wakeStartup(parts, budget);
  if (ended.size > 0)
    log.info('database.blockers_ended', 'sessions that kept replay waiting were ended', { ended: ended.size });
  return ended.size;
};
