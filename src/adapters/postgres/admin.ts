import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { lsnAt, parseLsn, type Lsn } from './lsn.ts';
import { openSession, sqlStateOf, withSession, type Row, type Session, type SessionTarget } from './session.ts';
import type { Site } from './site.ts';

/** The agent's own way into its database: connections held over the socket, and others for single uses. */
export interface Admin {
  /** Asks over the connection that is held to observe with, which is made when it is not there. */
  look(step: Step, sql: string, values?: readonly string[]): Promise<readonly Row[]>;
  /** Asks over another that is held for steps: one that ends at its deadline must not make an observation fail. */
  rows(step: Step, sql: string, values?: readonly string[]): Promise<readonly Row[]>;
  /** A connection for one use, as the agent; for what may wait long. */
  once<T>(
    step: Step,
    use: (session: Session) => Promise<T>,
    more?: Partial<Pick<SessionTarget, 'database' | 'settings'>>,
  ): Promise<T>;
  /** A third held connection, for writes: a commit that waits must not stop the observing. */
  writer(step: Step): Promise<Session>;
  /** A fourth, for the small periodic write: one that hangs must hold up nobody, and proving a password each time costs more than it. */
  prober(step: Step): Promise<Session>;
  /** Timeline and end of this server's log, asked over the replication protocol: right also where no receiver runs. */
  identify(step: Step): Promise<{ readonly timeline: number; readonly lsn: Lsn }>;
  /** The agent's account could not be used and the superuser's was: its roles are missing or wrong. */
  asSuperuser(): boolean;
  /** Calls back when the connection to observe with ends without us. */
  onLost(listener: () => void): () => void;
  /** Closes what is open; the next use connects again. */
  reset(): void;
}

/** Too many connections; password wrong or role missing. The superuser has reserved connections, and can repair the roles. */
const TRY_SUPERUSER: ReadonlySet<string> = new Set(['53300', '28P01', '28000']);

const HELD = ['observer', 'steps', 'writer', 'prober'] as const;
type Held = (typeof HELD)[number];

/** No session of ours waits for acknowledgements, but those that are there to. */
const LOCAL = { synchronous_commit: 'local' } as const;

/** For what may wait long. */
const PATIENT = { ...LOCAL, statement_timeout: '0', lock_timeout: '10s' } as const;

export const createAdmin = (site: Site): Admin => {
  const { options } = site;
  const listeners = new Set<() => void>();
  const held: Partial<Record<Held, Promise<Session> | undefined>> = {};
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

  const hold = async (which: Held, step: Step, more?: Partial<SessionTarget>): Promise<Session> => {
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

  const ask = async (which: Held, step: Step, sql: string, values?: readonly string[]): Promise<readonly Row[]> => {
    const budget = budgetOf(options.clock, step);
    const session = await hold(which, budget.part());
    return session.rows(budget.part(), sql, values);
  };

  const reset = (): void => {
    for (const which of HELD) {
      const opening = held[which];
      held[which] = undefined;
      opening?.then((session) => session.close()).catch(() => undefined);
    }
  };

  return {
    look: (step, sql, values) => ask('observer', step, sql, values),
    rows: (step, sql, values) => ask('steps', step, sql, values),
    once: async (step, use, { settings, ...more } = {}) => {
      const session = await open(step, {
        ...more,
        settings: { ...PATIENT, ...settings },
      });
      try {
        return await use(session);
      } finally {
        session.close();
      }
    },
    writer: (step) => hold('writer', step, { settings: { synchronous_commit: 'on' } }),
    prober: (step) => hold('prober', step, { settings: PATIENT }),
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
