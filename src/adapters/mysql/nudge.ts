import { ms } from '../../core/brand.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import type { Facts } from './facts.ts';
import type { Parts } from './parts.ts';
import { saidBy } from './errors.ts';
import { SCHEMA } from './roles.ts';
import { isVoterAccount } from './voters.ts';

const AFTER = 300;
const TIMEOUT = ms(3_000);
/** Rows that are written in turn: one that waits keeps its row. The first ones are the barrier's. */
const FIRST = 10;
const ROWS = 100;

/**
 * A voter acknowledges only what it receives as one: a commit that it had received before it became one would wait for ever. A later
 * commit makes it tell how far it is, so one is made where commits wait although a voter is connected.
 */
export interface Nudge {
  /** Told of every answer of a primary. */
  tick(facts: Facts): void;
  close(): void;
}

export const createNudge = ({ site, admin }: Parts): Nudge => {
  const { clock, log } = site.options;
  const stopped = new AbortController();
  let waitingSince: Instant | undefined;
  let busy = false;
  let turn = 0;

  const nudge = async (facts: Facts): Promise<void> => {
    const step = { signal: stopped.signal, timeout: TIMEOUT };
    const senders = await admin.rows(step, facts.dialect.senders);
    if (!senders.some((row) => isVoterAccount(row['account'] ?? undefined))) return;
    turn = (turn + 1) % ROWS;
    await admin.once(step, (session) =>
      session.rows(
        step,
        `insert into ${SCHEMA}.barrier (single, term) values (${FIRST + turn}, '0') on duplicate key update at = current_timestamp(3)`,
      ),
    );
  };

  return {
    tick: (facts) => {
      const now = clock.now();
      if ((facts.demanded.acks ?? 1) === 0 || facts.demanded.waiting === 0) waitingSince = undefined;
      else waitingSince ??= now;
      if (busy || waitingSince === undefined || elapsedAtLeast(waitingSince, now) < AFTER) return;
      busy = true;
      waitingSince = now;
      void nudge(facts)
        .catch((error: unknown) =>
          log.debug('database.nudge', 'a commit after others did not end', { reason: saidBy(error) }),
        )
        .finally(() => {
          busy = false;
        });
    },
    close: () => stopped.abort(new Error('closed')),
  };
};
