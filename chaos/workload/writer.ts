import { LATE, StatementError, type Address, type Dialect, type Origin, type Session } from './dialect.ts';
import type { Attempt, Outcome } from './history.ts';
import { createPool } from './pool.ts';

/** Writes to one address at a fixed rate, whatever becomes of the writes before. */
export interface Writer {
  /** Ends every try that is under way, and every connection. Can be called twice. */
  stop(): Promise<void>;
}

export interface WriterOptions {
  readonly name: string;
  readonly address: Address;
  readonly dialect: Dialect;
  readonly nextId: () => number;
  readonly record: (attempt: Attempt) => void;
  readonly everyMs: number;
  readonly deadlineMs: number;
  /** A new connection for every write, instead of keeping one until it fails. */
  readonly fresh: boolean;
}

/** How long a connection whose answer is late is kept, in case that it comes. */
const KEEP_LATE_MS = 1_000;

const failureOf = (error: unknown, sent: boolean): Outcome => {
  const failure = error instanceof StatementError ? error : new StatementError(String(error), 'unknown', false, error);
  return { kind: failure.refused || !sent ? 'fail' : 'info', code: failure.code };
};

/**
 * An open-loop writer (correctness before comfort: a stalled server must not slow down the demand that measures it).
 * Several tries can be under way, each on a connection of its own; a connection that broke is never used again.
 */
export const startWriter = (options: WriterOptions): Writer => {
  const pool = createPool(options);
  const underWay = new Set<Promise<void>>();
  const late = new Set<Session>();

  /** The answer to one insert, or LATE at the deadline. The connection returns to the pool when its answer is there. */
  const insert = async (session: Session, id: number, deadlineMs: number): Promise<Origin> => {
    const answer = session.insert(id, options.name);
    const overdue = Promise.withResolvers<never>();
    let killer: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      late.add(session);
      killer = setTimeout(() => session.destroy(), KEEP_LATE_MS);
      overdue.reject(LATE);
    }, deadlineMs);
    const settle = (): void => {
      clearTimeout(timer);
      clearTimeout(killer);
      late.delete(session);
      pool.release(session);
    };
    answer.then(settle, settle);
    return Promise.race([answer, overdue.promise]);
  };

  const attempt = async (id: number): Promise<void> => {
    const invoked = performance.now();
    const left = (): number => Math.max(1, options.deadlineMs - (performance.now() - invoked));
    let sent = false;
    let outcome: Outcome;
    try {
      const session = await pool.acquire(left());
      sent = true;
      outcome = { kind: 'ok', origin: await insert(session, id, left()) };
    } catch (error) {
      outcome = failureOf(error, sent);
    }
    options.record({ id, writer: options.name, invoked, completed: performance.now(), outcome });
  };

  let due = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    for (const now = performance.now(); due <= now; due += options.everyMs) {
      const running = attempt(options.nextId()).finally(() => underWay.delete(running));
      underWay.add(running);
    }
    timer = setTimeout(tick, Math.max(0, due - performance.now()));
  };
  tick();

  return {
    stop: async () => {
      clearTimeout(timer);
      await Promise.all(underWay);
      pool.close();
      for (const session of late) session.destroy();
    },
  };
};
