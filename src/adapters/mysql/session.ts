import { createConnection, type Connection, type ConnectionOptions, type SslOptions } from 'mysql2';
import type { Clock } from '../../ports/clock.ts';
import type { Step } from '../../ports/database.ts';
import { withDeadline } from '../os/abort.ts';
import type { Credential } from './options.ts';

/** A row as the server sent it: text or null. */
export type Row = Readonly<Record<string, string | null>>;

/** One connection. After a timeout or an abort it is destroyed, never used again: the server may still be at its last question. */
export interface Session {
  /** The server's number of this connection: what KILL takes. */
  readonly id: number;
  /** Asks one statement; none of its values are escaped here (see quoting.ts). Empty for statements that return no rows. */
  rows(step: Step, sql: string): Promise<readonly Row[]>;
  lost(): boolean;
  /** Calls back once when the connection ends, by whomever. */
  onLost(listener: () => void): void;
  close(): void;
}

export interface SessionTarget {
  /** Path of a unix socket, or host and port. */
  readonly at: { readonly socket: string } | { readonly host: string; readonly port: number };
  readonly account: Credential;
  readonly tls?: SslOptions | undefined;
  /** Statements that every connection begins with. */
  readonly prelude?: readonly string[];
}

/** The number of a server's refusal; `undefined` for everything else. */
export const errnoOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && error.errno > 0
    ? error.errno
    : undefined;

/** A wait inside the server ends before the client's own patience does, so that nothing is left pending there. */
const FIXED = `set session lock_wait_timeout = 2, innodb_lock_wait_timeout = 2, sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00'`;

const connectionOptions = (target: SessionTarget, timeout: number): ConnectionOptions => ({
  ...('socket' in target.at ? { socketPath: target.at.socket } : target.at),
  user: target.account.username,
  password: target.account.password,
  ...(target.tls === undefined ? {} : { ssl: target.tls }),
  // Ours ends first, and says what was tried.
  connectTimeout: Math.round(timeout) + 1_000,
  charset: 'utf8mb4',
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
  multipleStatements: false,
  // Every value as the text that the server sent.
  typeCast: (field) => field.string(),
});

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

const ask = (connection: Connection, sql: string): Promise<readonly Row[]> =>
  new Promise((resolve, reject) => {
    connection.query(sql, (error: Error | null, result: unknown) => {
      if (error !== null) reject(error);
      else resolve(Array.isArray(result) ? result.filter(isRow) : []);
    });
  });

/** Opens a connection within the step's time. Throws what the server or the socket said, or `StepError` `timed-out`. */
export const openSession = async (clock: Clock, target: SessionTarget, step: Step): Promise<Session> => {
  const where = 'socket' in target.at ? target.at.socket : `${target.at.host}:${target.at.port}`;
  const connection = createConnection(connectionOptions(target, step.timeout));
  let lost = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      lost = true;
      connection.destroy();
      resolve();
    };
    connection.on('error', end);
    connection.on('end', end);
  });

  const within = async <T>(limits: Step, what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await withDeadline(clock, limits.timeout, limits.signal, what, work);
    } catch (error) {
      if (errnoOf(error) === undefined) {
        lost = true;
        connection.destroy();
      }
      throw error;
    }
  };

  /** The client library tells a question of the end of its connection only where nobody else has destroyed it. */
  const orLost = <T>(answer: Promise<T>): Promise<T> =>
    Promise.race([
      answer,
      ended.then((): never => {
        throw new Error('the connection ended before the answer');
      }),
    ]);

  const connected = (): Promise<void> =>
    new Promise((resolve, reject) => {
      connection.connect((error) => (error === null ? resolve() : reject(error)));
    });

  try {
    await within(step, `connecting to the server at ${where}`, () => orLost(connected()));
    for (const sql of [FIXED, ...(target.prelude ?? [])])
      await within(step, `preparing a session at ${where}`, () => orLost(ask(connection, sql)));
  } catch (error) {
    lost = true;
    connection.destroy();
    throw error;
  }
  return {
    id: connection.threadId ?? 0,
    rows: (limits, sql) => within(limits, `asking the server at ${where}`, () => orLost(ask(connection, sql))),
    lost: () => lost,
    onLost: (listener) => void ended.then(listener),
    close: () => {
      lost = true;
      connection.destroy();
    },
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
