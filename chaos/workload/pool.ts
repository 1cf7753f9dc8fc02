import { LATE, StatementError, type Address, type Dialect, type Session } from './dialect.ts';

/**
 * Connections of one writer. As an application's pool: a connection that comes too late for the one who asked serves the
 * next; and a server that is slow to accept is not asked for ever more connections at once, which would keep it slow.
 */
export interface Pool {
  /** A connection of one's own; rejects with StatementError when none came within `deadlineMs`. */
  acquire(deadlineMs: number): Promise<Session>;
  /** Gives it back for the next, or ends it when it cannot be used again. */
  release(session: Session): void;
  close(): void;
}

/** How long opening one connection may take. */
const OPEN_MS = 500;
/** So many may be opened at once without regard to the rate … */
const AT_ONCE = 2;
/** … and one more each so many milliseconds, up to as many as then can be under way. */
const EACH_MS = 50;

interface Waiter {
  readonly take: (session: Session) => void;
  readonly fail: (error: StatementError) => void;
}

export const createPool = (options: {
  readonly address: Address;
  readonly dialect: Dialect;
  /** Never give a connection to a second user. */
  readonly fresh: boolean;
}): Pool => {
  const idle: Session[] = [];
  const waiters: Waiter[] = [];
  let opening = 0;
  let lastOpening = -Infinity;
  let closed = false;

  const mayOpen = (): boolean =>
    opening < AT_ONCE || (performance.now() - lastOpening >= EACH_MS && opening < OPEN_MS / EACH_MS);

  const put = (session: Session): void => {
    const next = closed || !session.usable ? undefined : waiters.shift();
    if (next !== undefined) next.take(session);
    else if (closed || !session.usable) session.destroy();
    else idle.push(session);
  };

  const open = async (): Promise<void> => {
    opening += 1;
    lastOpening = performance.now();
    try {
      put(await options.dialect.connect(options.address, OPEN_MS));
    } catch (error) {
      const failure =
        error instanceof StatementError ? error : new StatementError(String(error), 'unknown', true, error);
      waiters.shift()?.fail(failure);
    } finally {
      opening -= 1;
    }
  };

  return {
    acquire: async (deadlineMs) => {
      let session = idle.pop();
      while (session !== undefined && !session.usable) session = idle.pop();
      if (session !== undefined) return session;
      const { promise, resolve, reject } = Promise.withResolvers<Session>();
      const waiter: Waiter = { take: resolve, fail: reject };
      waiters.push(waiter);
      if (mayOpen()) void open();
      const timer = setTimeout(() => {
        const place = waiters.indexOf(waiter);
        if (place >= 0) waiters.splice(place, 1);
        reject(LATE);
      }, deadlineMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
    release: (session) => {
      if (options.fresh) session.destroy();
      else put(session);
    },
    close: () => {
      closed = true;
      for (const session of idle.splice(0)) session.destroy();
      for (const waiter of waiters.splice(0)) waiter.fail(LATE);
    },
  };
};
