import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client } from 'pg';
import type { Clock } from '../../ports/clock.ts';
import type { Step } from '../../ports/database.ts';
import { withDeadline } from '../os/abort.ts';
import type { Credential } from './options.ts';

/** A row as the server sent it: text or null. */
export type Row = Readonly<Record<string, string | null>>;

/** One connection. After a timeout or an abort it is destroyed, never used again. */
export interface Session {
  /** Process id of the backend that serves it. */
  readonly backend: number;
  rows(step: Step, sql: string, values?: readonly string[]): Promise<readonly Row[]>;
  lost(): boolean;
  /** Calls back once when the connection ends, by whomever. */
  onLost(listener: () => void): void;
  /** Warnings that the server sent since the last call. */
  takeWarnings(): readonly string[];
  close(): void;
}

export interface SessionTarget {
  /** A host, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly account: Credential;
  readonly database?: string;
  readonly applicationName: string;
  /** A connection of the replication protocol: takes that protocol's commands only. */
  readonly replication?: boolean;
  readonly tls?: ConnectionOptions | undefined;
  /** Parameters for this session. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The SQLSTATE of a server's refusal; `undefined` for everything else. */
export const sqlStateOf = (error: unknown): string | undefined =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^[0-9A-Z]{5}$/.test(error.code) &&
  !('errno' in error) // EPIPE and EBUSY are names of the operating system, and look the same
    ? error.code
    : undefined;

const FIXED = {
  search_path: 'pg_catalog',
  statement_timeout: '10s',
  lock_timeout: '2s',
  idle_in_transaction_session_timeout: '30s',
};

const sessionOptions = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/([\\ ])/g, '\\$1')}`)
    .join(' ');

/** What pg understands and its types do not list. */
interface ReplicationConfig {
  readonly replication?: string;
}

const createClient = (target: SessionTarget, socket: Socket): Client => {
  const replication: ReplicationConfig = target.replication === true ? { replication: 'true' } : {};
  return new Client({
    host: target.host,
    port: target.port,
    user: target.account.username,
    password: target.account.password,
    database: target.database ?? 'postgres',
    application_name: target.applicationName,
    options: sessionOptions({ ...FIXED, ...target.settings }),
    ssl: target.tls ?? false,
    types: { getTypeParser: () => (text: unknown) => text },
    stream: () => socket,
    ...replication,
  });
};

/** Opens a connection within the step's time. Throws what the server or the socket said, or `StepError` `timed-out`. */
export const openSession = async (clock: Clock, target: SessionTarget, step: Step): Promise<Session> => {
  const socket = new Socket();
  const client = createClient(target, socket);
  const where = `${target.host}:${target.port}`;
  const warnings: string[] = [];
  let lost = false;
  /** One question at a time: the protocol answers in order, and the client must not be asked while it waits. */
  let turn: Promise<unknown> = Promise.resolve();
  const listeners = new Set<() => void>();
  /** At once, also where the socket's own word of it comes later: nobody may ask anything on it meanwhile. */
  const end = (): void => {
    socket.destroy();
    if (lost) return;
    lost = true;
    for (const listener of listeners) queueMicrotask(listener);
  };
  client.on('error', end);
  client.on('end', end);
  client.on('notice', (notice) => {
    if (notice.severity === 'WARNING' && warnings.length < 20) warnings.push(notice.message ?? 'warning');
  });

  const within = async <T>(limits: Step, what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await withDeadline(clock, limits.timeout, limits.signal, what, work);
    } catch (error) {
      if (sqlStateOf(error) === undefined) end();
      throw error;
    }
  };

  try {
    await within(step, `connecting to PostgreSQL at ${where}`, () => client.connect());
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    backend: 'processID' in client && typeof client.processID === 'number' ? client.processID : 0,
    rows: async (limits, sql, values) => {
      const query = values === undefined ? { text: sql } : { text: sql, values: [...values] };
      const before = turn;
      const ask = async (): Promise<{ readonly rows: readonly Row[] }> => {
        await before.catch(() => undefined);
        return client.query<Record<string, string | null>>(query);
      };
      const asked = ask();
      turn = asked;
      return (await within(limits, `asking PostgreSQL at ${where}`, () => asked)).rows;
    },
    lost: () => lost,
    onLost: (listener) => {
      if (lost) queueMicrotask(listener);
      else listeners.add(listener);
    },
    takeWarnings: () => warnings.splice(0),
    close: end,
  };
};

/** Opens a connection, uses it once, and closes it however that ended. */
export const withSession = async <T>(
  clock: Clock,
  target: SessionTarget,
  step: Step,
  use: (session: Session) => Promise<T>,
): Promise<T> => {
  const session = await openSession(clock, target, step);
  try {
    return await use(session);
  } finally {
    session.close();
  }
};
