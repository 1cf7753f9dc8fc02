import { StepError } from '../../core/errors.ts';
import { ms } from '../../core/brand.ts';
import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import type { Session } from './session.ts';

/** Commits that wait for acknowledgements, and what can be done about them without weakening anything. */

/** A commit that touches no row: it waits like any other and keeps no lock while it does. */
const EMPTY_COMMIT = `select pg_logical_emit_message(true, 'haagent', '')`;

const WAITS = `select 1 from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'`;
const WAITERS = `select 1 from pg_stat_activity where wait_event = 'SyncRep' limit 1`;

/** A backend that waits for acknowledgements does not notice that nobody listens any more; it is ended by signal. */
export const endBackend = async (parts: Parts, session: Session): Promise<void> => {
  const { processes } = parts.site.options;
  session.close();
  const server = await parts.postmaster.find();
  const found = processes.find(session.backend);
  if (found !== undefined && found.ppid === server?.pid) processes.signal(found, 'SIGTERM');
};

/**
 * Commits until a commit of `session` is seen waiting: only that shows that waiting is switched on (07-review A8, E1). It is left
 * waiting. Throws `StepError` `timed-out`.
 */
export const untilCommitsWait = async (parts: Parts, session: Session, budget: Budget): Promise<void> => {
  const { clock, dataDir } = parts.site.options;
  for (let pause = 5; ; pause = Math.min(100, pause * 2)) {
    let ended = false;
    const commit = session.rows(budget.part(), EMPTY_COMMIT).finally(() => {
      ended = true;
    });
    commit.catch(() => undefined);
    const seen = await budget.poll(5, budget.left(), async () => {
      const waits = (await parts.admin.rows(budget.part(1_000), WAITS, [String(session.backend)])).length > 0;
      return ended ? 'committed' : waits ? 'waits' : undefined;
    });
    if (seen === 'waits') return;
    if (seen === 'committed') await commit;
    if (seen === undefined || budget.left() <= 0)
      throw new StepError(
        'timed-out',
        `waiting for acknowledgements in ${dataDir} is not switched on: commits still end at once; is its checkpointer busy?`,
      );
    await clock.sleep(ms(pause), { signal: budget.signal });
  }
};

/**
 * Lets commits end that have all acknowledgements which are demanded now: a sender looks for them only when its receiver says
 * something, so something is written that waits for nobody. Never throws but at an abort.
 */
export const nudgeWaiters = async (parts: Parts, budget: Budget, within: number): Promise<void> => {
  await budget
    .poll(30, within, async () => {
      const waiting = await parts.admin.rows(budget.part(1_000), WAITERS);
      if (waiting.length === 0) return true;
      // Over a session whose commits wait for this host's disk only.
      await parts.admin.rows(budget.part(1_000), EMPTY_COMMIT);
      return undefined;
    })
    .catch(() => budget.signal.throwIfAborted());
};
