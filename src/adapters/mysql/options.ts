import type { MemberName } from '../../core/brand.ts';
import type { Source } from '../../core/database.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Step } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes } from '../../ports/processes.ts';

export type Engine = 'mysql' | 'mariadb';

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** The three accounts that the agent uses; only the first is all-powerful. */
export interface Credentials {
  /** Owner of the installation, from this host only. Creates the others and sets parameters. */
  readonly superuser: Credential;
  /** Streams the log, and reads how far a source is. */
  readonly replication: Credential;
  /** What the agent observes and steers with, over the local socket only. */
  readonly agent: Credential;
}

/** A way to copy data that the operator brings. Runs without a shell. */
export interface CustomClone {
  readonly name: string;
  readonly command: readonly string[];
}

/** How members reach each other's servers. */
export interface Tls {
  readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** File of the authorities that are trusted (PEM). */
  readonly rootCertificate?: string;
}

/** How this member's server is laid out on its host. Compiled by the configuration module: every path is absolute. */
export interface MysqlOptions {
  readonly engine: Engine;
  readonly name: MemberName;
  readonly clusterName: string;
  readonly dataDir: string;
  /** Where the server's programs are, tried in this order. */
  readonly binDirs: readonly string[];
  /** Owned by the agent, outside the data directory: markers, configuration, settings, log, kept log tails. */
  readonly stateDir: string;
  readonly listenHost: string;
  readonly port: number;
  readonly socketDir: string;
  readonly credentials: Credentials;
  /** The server runs as this user; needed where the agent runs as root, which these servers refuse. */
  readonly osUser?: { readonly uid: number; readonly gid: number };
  /** Parameters of the local file: weaker than the cluster's, stronger than the operator's own file. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The operator's own file, read before everything of the agent's. */
  readonly configFile?: string;
  readonly tls?: Tls;
  /** Tried in this order before the engine's own way. */
  readonly customClone?: readonly CustomClone[];
  /** Makes the first data instead of the engine's installer. */
  readonly customBootstrap?: { readonly command: readonly string[] };
  /** How much of a dropped log tail is kept, in bytes. */
  readonly lostTailBytes: number;
  /** `off`: the server gets no control group of its own. */
  readonly cgroup?: 'auto' | 'off';
  /** Asks the agent of `from` for a copy of its database (MariaDB). Throws `StepError`. */
  readonly fetchCopy: (from: Source, step: Step) => AsyncIterable<Uint8Array>;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
}
