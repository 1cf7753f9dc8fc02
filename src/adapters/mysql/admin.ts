import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { errnoOf, openSession, type Row, type Session } from './session.ts';
import type { Site } from './site.ts';

/** The agent's own way into its server: one held connection over the socket, and others for single uses. */
export interface Admin {
  /** Asks over the held connection, which is made when it is not there. */
  rows(step: Step, sql: string): Promise<readonly Row[]>;
  /** Several statements, one after the other, over the held connection. */
  all(step: Step, statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** A connection for one use; for what may wait long. */
  once<T>(step: Step, use: (session: Session) => Promise<T>, account?: 'agent' | 'superuser'): Promise<T>;
  /** A second held connection, for writes: a commit that waits must not stop the observing. */
  writer(step: Step): Promise<Session>;
  /** The agent's account could not be used and the superuser's was: the accounts are missing or wrong. */
  asSuperuser(): boolean;
  /** Calls back when the held connection ends without us. */
  onLost(listener: () => void): () => void;
  /** Closes what is open; the next use connects again. */
  reset(): void;
}

/** Password wrong, account missing, no such way to log in: the superuser can repair the accounts. */
const TRY_SUPERUSER: ReadonlySet<number> = new Set([1045, 1130, 1698, 1524, 3118]);

export const createAdmin = (site: Site): Admin => {
  const { options, paths } = site;
  const listeners = new Set<() => void>();
  const held: { observer: Promise<Session> | undefined; writer: Promise<Session> | undefined } = {
    observer: undefined,
    writer: undefined,
  };
  let asSuperuser = false;

  const open = async (step: Step, account: 'agent' | 'superuser' = 'agent'): Promise<Session> => {
    const budget = budgetOf(options.clock, step);
    const at = { socket: paths.socket };
    try {
      const session = await openSession(options.clock, { at, account: options.credentials[account] }, budget.part());
      if (account === 'agent') asSuperuser = false;
      return session;
    } catch (error) {
      if (account === 'superuser' || !TRY_SUPERUSER.has(errnoOf(error) ?? 0)) throw error;
      const session = await openSession(options.clock, { at, account: options.credentials.superuser }, budget.part());
      asSuperuser = true;
      return session;
    }
  };

  const hold = async (which: 'observer' | 'writer', step: Step): Promise<Session> => {
    const current = await held[which]?.catch(() => undefined);
    if (current !== undefined && !current.lost()) return current;
    const opening = open(step);
    held[which] = opening;
    opening.catch(() => {
      if (held[which] === opening) held[which] = undefined;
    });
    const session = await opening;
    session.onLost(() => {
      if (held[which] !== opening) return;
      held[which] = undefined;
      if (which === 'observer') for (const listener of listeners) listener();
    });
    return session;
  };

  return {
    rows: async (step, sql) => {
      const budget = budgetOf(options.clock, step);
      const session = await hold('observer', budget.part());
      return session.rows(budget.part(), sql);
    },
    all: async (step, statements) => {
      const budget = budgetOf(options.clock, step);
      const session = await hold('observer', budget.part());
      const answers: (readonly Row[])[] = [];
      for (const sql of statements) answers.push(await session.rows(budget.part(), sql));
      return answers;
    },
    once: async (step, use, account) => {
      const session = await open(step, account);
      try {
        return await use(session);
      } finally {
        session.close();
      }
    },
    writer: (step) => hold('writer', step),
    asSuperuser: () => asSuperuser,
    onLost: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reset: () => {
      for (const which of ['observer', 'writer'] as const) {
        const opening = held[which];
        held[which] = undefined;
        opening?.then((session) => session.close()).catch(() => undefined);
      }
    },
  };
};
