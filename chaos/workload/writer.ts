import { StatementError, type Address, type Dialect, type Session } from './dialect.ts';
import type { Attempt, Outcome } from './history.ts';

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

const LATE = new StatementError('not answered by the deadline', 'deadline', false, undefined);

/** Rejects with LATE after `ms`; `cancel` before that leaves nothing behind. */
const deadline = (ms: number): { readonly reached: Promise<never>; readonly cancel: () => void } => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(LATE), ms);
  return { reached: promise, cancel: () => clearTimeout(timer) };
};

const failureOf = (error: unknown, sent: boolean): Outcome => {
  const failure = error instanceof StatementError ? error : new StatementError(String(error), 'unknown', false, error);
  return { kind: failure.refused || !sent ? 'fail' : 'info', code: failure.code };
};

/**
 * An open-loop writer (correctness before comfort: a stalled server must not slow down the demand that measures it).
 * Several tries can be under way; each has its own connection, and a connection that failed once is never used again.
 */
export const startWriter = (options: WriterOptions): Writer => {
  const idle: Session[] = [];
  const underWay = new Set<Promise<void>>();
  let stopped = false;

  const attempt = async (id: number): Promise<void> => {
    const invoked = performance.now();
    const late = deadline(options.deadlineMs);
    let session: Session | undefined;
    let sent = false;
    let abandoned = false;
    let outcome: Outcome;
    try {
      do session = idle.pop();
      while (session !== undefined && !session.usable);
      if (session === undefined) {
        const opening = options.dialect.connect(options.address, options.deadlineMs);
        opening.then(
          (opened) => abandoned && opened.destroy(),
          () => undefined,
        );
        session = await Promise.race([opening, late.reached]);
      }
      sent = true;
      outcome = { kind: 'ok', origin: await Promise.race([session.insert(id, options.name), late.reached]) };
    } catch (error) {
      abandoned = true;
      outcome = failureOf(error, sent);
    } finally {
      late.cancel();
    }
    const keep = !options.fresh && !stopped && (outcome.kind === 'ok' || (outcome.kind === 'fail' && sent));
    if (session !== undefined) {
      if (keep && session.usable) idle.push(session);
      else session.destroy();
    }
    options.record({ id, writer: options.name, invoked, completed: performance.now(), outcome });
  };

  const begin = (): void => {
    const running = attempt(options.nextId()).finally(() => underWay.delete(running));
    underWay.add(running);
  };

  let due = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    for (const now = performance.now(); due <= now; due += options.everyMs) begin();
    timer = setTimeout(tick, Math.max(0, due - performance.now()));
  };
  tick();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await Promise.all(underWay);
      for (const session of idle.splice(0)) session.destroy();
    },
  };
};
