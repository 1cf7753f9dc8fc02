import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { lsnAt, parseLsn, type Lsn } from './lsn.ts';
import { openSession, sqlStateOf, withSession, type Row, type Session, type SessionTarget } from './session.ts';
import type { Site } from './site.ts';

/** The agent's own way into its database: one held connection over the socket, and others for single uses. */
export interface Admin {
  /** Asks over the held connection, which is made when it is not there. */
  rows(step: Step, sql: string, values?: readonly string[]): Promise<readonly Row[]>;
  /** A connection for one use, as the agent; for what may wait long. */
  once<T>(
    step: Step,
    use: (session: Session) => Promise<T>,
    more?: Partial<Pick<SessionTarget, 'database' | 'settings'>>,
  ): Promise<T>;
  /** A second held connection, for writes: a commit that waits must not stop the observing. */
  writer(step: Step): Promise<Session>;
  /** Timeline and end of this server's log, asked over the replication protocol: right also where no receiver runs. */
  identify(step: Step): Promise<{ readonly timeline: number; readonly lsn: Lsn }>;
  /** The agent's account could not be used and the superuser's was: its roles are missing or wrong. */
  asSuperuser(): boolean;
  /** Calls back when the held connection ends without us. */
  onLost(listener: () => void): () => void;
  /** Closes what is open; the next use connects again. */
  reset(): void;
}

/** Too many connections; password wrong or role missing. The superuser has reserved connections, and can repair the roles. */
const TRY_SUPERUSER: ReadonlySet<string> = new Set(['53300', '28P01', '28000']);

/** No session of ours waits for acknowledgements, but those that are there to. */
const LOCAL = { synchronous_commit: 'local' } as const;

export const createAdmin = (site: Site): Admin => {
  const { options } = site;
  const listeners = new Set<() => void>();
  const held: { observer: Promise<Session> | undefined; writer: Promise<Session> | undefined } = {
    observer: undefined,
    writer: undefined,
  };
  let asSuperuser = false;

  const target: SessionTarget = {
    host: options.socketDir,
    port: options.port,
    account: options.credentials.agent,
    applicationName: 'haagent',
    settings: LOCAL,
  };
  const open = async (step: Step, more: Partial<SessionTarget> = {}): Promise<Session> => {
    const budget = budgetOf(options.clock, step);
    try {
      const session = await openSession(options.clock, { ...target, ...more }, budget.part());
      asSuperuser = false;
      return session;
    } catch (error) {
      if (!TRY_SUPERUSER.has(sqlStateOf(error) ?? '')) throw error;
      const account = options.credentials.superuser;
      const session = await openSession(options.clock, { ...target, account, ...more }, budget.part());
      asSuperuser = sqlStateOf(error) !== '53300';
      return session;
    }
  };

  const hold = async (which: 'observer' | 'writer', step: Step, more?: Partial<SessionTarget>): Promise<Session> => {
    const current = await held[which]?.catch(() => undefined);
    if (current !== undefined && !current.lost()) return current;
    const opening = open(step, more);
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

  const reset = (): void => {
    for (const which of ['observer', 'writer'] as const) {
      const opening = held[which];
      held[which] = undefined;
      opening?.then((session) => session.close()).catch(() => undefined);
    }
  };

  return {
    rows: async (step, sql, values) => {
      const budget = budgetOf(options.clock, step);
      const session = await hold('observer', budget.part());
      return session.rows(budget.part(), sql, values);
    },
    once: async (step, use, { settings, ...more } = {}) => {
      const session = await open(step, {
        ...more,
        settings: { ...LOCAL, statement_timeout: '0', lock_timeout: '10s', ...settings },
      });
      try {
        return await use(session);
      } finally {
        session.close();
      }
    },
    writer: (step) => hold('writer', step, { settings: { synchronous_commit: 'on' } }),
    identify: (step) =>
      withSession(options.clock, { ...target, replication: true }, step, async (session) => {
        const [row] = await session.rows(step, 'IDENTIFY_SYSTEM');
        const timeline = Number(row?.['timeline']);
        if (!(timeline > 0)) throw new StepError('failed', 'IDENTIFY_SYSTEM gave no timeline');
        return { timeline, lsn: parseLsn(row?.['xlogpos']) ?? lsnAt(0n) };
      }),
    asSuperuser: () => asSuperuser,
    onLost: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reset,
  };
};
