import type { Source } from '../../core/database.ts';
import type { Position, PositionAlgebra } from '../../core/position.ts';
import { mariadbDialect } from './dialect-mariadb.ts';
import { mysqlDialect } from './dialect-mysql.ts';
import type { Credential, Credentials, Engine, Tls } from './options.ts';
import type { Row } from './session.ts';

/** A set of transactions as this flavour writes it. Opaque outside the dialect. */
export type Gtids = string;

/** What a running server says of itself, in the words of neither flavour. */
export interface ServerFacts {
  /** Verified: nobody but the holder of an administrative right can write. */
  readonly readOnly: boolean;
  /** Everything written or applied here. */
  readonly executed: Gtids;
  /** That, and what was received and waits to be applied. */
  readonly received: Gtids;
  /** As much of what was received as can be compared with other logs. */
  readonly reached: Gtids;
  /** Transactions that were written here while it was a replica; undefined: none, or not known here. */
  readonly errant: Gtids | undefined;
  readonly receiver: 'streaming' | 'connecting' | 'none';
  readonly applying: boolean;
  /** Where the server itself would take its log from. */
  readonly source: { readonly host: string; readonly port: number } | undefined;
  /** Age of the last applied transaction while both threads run; undefined otherwise: a stopped thread says nothing true. */
  readonly delayMs: number | undefined;
  /** Why the receiver or the applier stopped. */
  readonly trouble: string | undefined;
  /** The account by which it receives. */
  readonly account: string | undefined;
  /** Changes with every message of the source. */
  readonly heard: string;
  readonly demanded: Demanded;
  readonly uptimeSeconds: number;
}

/** What commits wait for. */
export interface Demanded {
  /** Acknowledgements, for as long as it takes and before anybody sees the commit; undefined: with a limit, or for less. */
  readonly acks: number | undefined;
  /** Commits that wait now. */
  readonly waiting: number;
  /** Commits that ended without them since the server began: their wait was cancelled. */
  readonly weak: number;
}

/** How the receiver reaches its source. */
export interface ReceiverOrder {
  readonly source: Source;
  readonly account: Credential;
  readonly tls: Tls | undefined;
  /** Everything that is applied here. */
  readonly executed: Gtids;
}

/** A copy that the donor's agent sends: it runs a program whose output ours unpacks. */
export interface StreamedCopy {
  readonly kind: 'streamed';
  /** Program and arguments of the donor. */
  send(input: { readonly confFile: string; readonly workDir: string }): readonly [string, ...string[]];
  unpack(dataDir: string): readonly [string, ...string[]];
  /** Makes what was unpacked a database. */
  prepare(dataDir: string): readonly [string, ...string[]];
  /** Names of the file that tells where in the log the copy ends, newest way first. */
  readonly endFiles: readonly string[];
  /** The set at the end of the copy, from that file and what the source's log held before and after. */
  end(text: string, before: Gtids, after: Gtids): Gtids | undefined;
}

/** A copy that a new, empty server fetches by itself, and ends when it has it. */
export interface PulledCopy {
  readonly kind: 'pulled';
  pull(source: Source, account: Credential, tls: Tls | undefined): readonly string[];
  /** What the server answers to the last statement when all went well. */
  readonly endedWith: number;
}

/**
 * All that differs between MySQL and MariaDB, and between their versions: statements, programs, options, the algebra of
 * transactions. The rest of this adapter knows neither.
 */
export interface Dialect {
  readonly engine: Engine;
  /** As people call it. */
  readonly product: string;
  readonly version: string;
  readonly positions: PositionAlgebra;

  toPosition(gtids: Gtids, generation: number): Position;
  /** Everything of `part` is in `whole`. */
  contains(whole: Gtids, part: Gtids): boolean;
  /** What is in `part` and not in `whole`, for people. */
  missing(part: Gtids, whole: Gtids): string;
  /** The transaction that begins with this line of the log's reader. */
  transactionAt(line: string): Gtids | undefined;

  /** Names of programs. */
  readonly programs: {
    readonly server: string;
    /** Prints a binary log as text. */
    readonly logReader: string;
  };
  /** Program and arguments that make a new, empty database whose superuser has no password yet. */
  initialize(input: { readonly dataDir: string; readonly confFile: string; readonly tmpDir: string }): {
    readonly program: string;
    readonly args: readonly string[];
  };
  /** Arguments with which the server checks a configuration file and ends; it says there what it does not take. */
  checkArguments(confFile: string): readonly string[];
  /** Options of every start that an operator may set otherwise. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Options of every start that are this flavour's alone. */
  readonly options: Readonly<Record<string, string>>;
  /** Options of a server that only the agent can reach, for first steps on new data: it keeps no log. */
  readonly privateOptions: Readonly<Record<string, string>>;
  /** The same for a copy, whose log is made to go on from where the copy ends. */
  readonly resumeOptions: Readonly<Record<string, string>>;

  /** Statements that make the accounts with exactly the rights that they need. Can be run again. */
  accounts(credentials: Credentials): readonly string[];
  /** Statements that empty the log of new data, so that its history begins with its first leader. */
  readonly forgetLog: readonly string[];
  /** Statements that make an empty log go on from a copy's end. */
  resumeFrom(gtids: Gtids): readonly string[];
  /** How the data of another member is copied into an empty directory. */
  readonly copy: StreamedCopy | PulledCopy;

  /** Questions about a running server, in the order in which `readFacts` takes the answers. */
  readonly questions: readonly string[];
  /** Where the server lists its connections, with the columns id, user, command and state. */
  readonly processes: string;
  readFacts(answers: readonly (readonly Row[])[]): ServerFacts;
  /** One statement whose one row says how far a source's log reaches; read by `readEnd`. */
  readonly endQuestion: string;
  readEnd(row: Row | undefined): Gtids;

  readonly stopReceiver: string;
  readonly startApplier: string;
  readonly stopReplication: string;
  readonly startReplication: string;
  /** Forgets the source, and what of its log was received. */
  readonly forgetSource: string;
  /** Statements that set the source while no replication thread runs. */
  pointAt(order: ReceiverOrder): readonly string[];
  /** Sets the source while the applier runs on, so that nothing received is dropped; absent where the server cannot. */
  readonly pointAtKeeping?: (order: ReceiverOrder) => readonly string[];

  /** Makes the server read-only for everybody: what waits for running statements gives up by the session's lock timeout. */
  readonly close: string;
  /** Read-only for all but the agent; then open for everybody. */
  readonly openForAgent: string;
  readonly open: string;
  /**
   * Ids of the connections of clients and operators, without those of our own account, of replication and of the server. Whoever
   * is still logging in is left: MariaDB 10.11 was seen to spin for ever after the hard end of one, and would not stop any more.
   */
  readonly clientSessions: string;
  /** Ends a connection at once. */
  kill(id: string): string;
  /** The superuser can change accounts while the server is read-only. */
  readonly grantsWhileReadOnly: boolean;
  /** A start drops what was received and not applied. */
  readonly dropsReceived: boolean;
  /** The most acknowledgements that a commit can wait for. */
  readonly mostAcks: number;
  /** Statements that make each commit wait for this many replicas, without end. */
  demand(acks: number): readonly string[];
  /** Statements that let commits end by themselves, those that wait too. */
  readonly release: readonly string[];
  /** Whether a receiver that starts from now on acknowledges. */
  vote(votes: boolean): string;
  /** Statements that make an account by which a replica can only receive. Can be run again. */
  voter(account: Credential): readonly string[];

  /** Connections that send the log (id, account), with `done` true where everything is sent. */
  readonly senders: string;
  readonly connectedReplicas: string;
  replicaOf(row: Row): { readonly name: string; readonly host: string | undefined };

  /** The set at the end of a log that was closed cleanly, from files of the data directory; absent where none tells. */
  readonly cleanEnd?: { readonly file: string; readonly read: (text: string) => Gtids | undefined };
}

/** What `--version` prints of each flavour; a sentence where this is no version that the agent can run. */
export const dialectOf = (versionLine: string, wanted: Engine): Dialect | string => {
  const found = /\b(?:Ver|Distrib)\s+((\d+)\.(\d+)\.\d+\S*)/.exec(versionLine);
  if (found === null) return `'${versionLine.trim().slice(0, 200)}' is not what a ${wanted} server says of its version`;
  const version = found[1] ?? '';
  const number = Number(found[2]) * 100 + Number(found[3]);
  const engine: Engine = /mariadb/i.test(versionLine) ? 'mariadb' : 'mysql';
  if (engine !== wanted) return `the server is ${version}, a ${engine}; the configuration has a section ${wanted}`;
  if (engine === 'mariadb')
    return number >= 1006 ? mariadbDialect(version) : `MariaDB ${version} is too old: versions from 10.6 on can be run`;
  return number >= 800 ? mysqlDialect(version) : `MySQL ${version} is too old: versions from 8.0.26 on can be run`;
};
