/** What the workload needs of an engine: the same few questions, whoever answers them. */
export interface Dialect {
  readonly engine: string;
  /** Statements that begin a transaction: one that sees a single snapshot, and one that is serializable. */
  readonly begin: { readonly snapshot: readonly string[]; readonly serializable: readonly string[] };
  /** A statement that keeps a processor busy for some ten milliseconds. */
  readonly busy: string;
  /** Opens one connection. Rejects when it could not be opened; ends by `deadlineMs`. */
  connect(address: Address, deadlineMs: number): Promise<Session>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where an acknowledgement came from: which server, and in which generation of the log. */
export interface Origin {
  /** The server's own address and port, `host:port`: what a proxy cannot hide. */
  readonly server: string;
  /** Grows with every promotion (PostgreSQL: the timeline). */
  readonly generation: number;
  /** The server said itself that it gave up waiting for replicas: acknowledged, but not as promised. */
  readonly weak?: true;
}

/** A row as it lies in the table: in which generation it was written, and where in the log. */
export interface Written {
  readonly id: number;
  readonly generation: number;
  /** Grows along the log. */
  readonly position: bigint;
}

/** `host:port`, as `Origin.server` has it. */
export const serverOf = ({ host, port }: Address): string => `${host}:${port}`;

export interface Session {
  /** False once the connection is closed, by whomever. */
  readonly usable: boolean;
  /** Makes the table anew, empty. */
  createTable(): Promise<void>;
  /** Writes one id in a transaction of its own and returns when the server acknowledged the commit. */
  insert(id: number, writer: string): Promise<Origin>;
  /** Every id greater than `after` that this server shows now, ascending; an id twice when it is there twice. */
  ids(after: number): Promise<readonly number[]>;
  /** Every row, in no order. */
  written(): Promise<readonly Written[]>;
  /** Runs one statement without parameters and returns its rows. */
  run(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Closes at once, without a word to the server. */
  destroy(): void;
}

/** A statement failed. `refused`: the server surely did not apply it. */
export class StatementError extends Error {
  readonly refused: boolean;
  readonly code: string;
  constructor(message: string, code: string, refused: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'StatementError';
    this.code = code;
    this.refused = refused;
  }
}

/** Nothing came back in time. */
export const LATE = new StatementError('not answered by the deadline', 'deadline', false, undefined);
