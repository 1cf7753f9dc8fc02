import type { MemberName } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes } from '../../ports/processes.ts';

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** The four accounts that the agent uses; none of them but the first is a superuser. */
export interface Credentials {
  /** Owner of the installation. Used to create the others, and when every ordinary connection is taken. */
  readonly superuser: Credential;
  /** Streams the log and takes base backups. */
  readonly replication: Credential;
  /** Reads files of the source during a rewind. */
  readonly rewind: Credential;
  /** What the agent observes and steers with, over the local socket only. */
  readonly agent: Credential;
}

/** A way to copy data that the operator brings (pgBackRest, WAL-G …). Runs without a shell. */
export interface CustomClone {
  readonly name: string;
  readonly command: readonly string[];
  /** Works inside the old data directory (delta restore) instead of an empty new one. */
  readonly keepData?: boolean;
}

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** How this member's PostgreSQL is laid out on its host. Compiled by the configuration module: every path is absolute. */
export interface PostgresOptions {
  readonly name: MemberName;
  readonly clusterName: string;
  readonly dataDir: string;
  /** Where `postgres`, `initdb`, `pg_basebackup` and the others are. */
  readonly binDir: string;
  /** Owned by the agent, outside the data directory: markers, password file, settings, log, kept log tails. */
  readonly stateDir: string;
  /** What the server listens on (PostgreSQL's `listen_addresses`). */
  readonly listenHost: string;
  readonly port: number;
  readonly socketDir: string;
  readonly credentials: Credentials;
  /** The database runs as this user; needed where the agent runs as root, which PostgreSQL refuses. */
  readonly osUser?: { readonly uid: number; readonly gid: number };
  /** Parameters of the local file: weaker than the cluster's, stronger than PostgreSQL's own files. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Access rules of the local file, used while the cluster has none. */
  readonly accessRules: readonly string[];
  /** The operator's own postgresql.conf; without it the one in the data directory, where there is one. */
  readonly configFile?: string;
  readonly initdb: { readonly dataChecksums: boolean; readonly encoding: string; readonly locale: string };
  readonly ssl?: { readonly mode: SslMode; readonly rootCertificate?: string };
  readonly restoreCommand?: string;
  readonly archive?: { readonly command: string; readonly mode?: 'on' | 'always' };
  /** Tried in this order; `pg_basebackup` is always the last. */
  readonly customClone?: readonly CustomClone[];
  /** Makes the first data instead of `initdb`. Its end must leave a data directory, which may ask for recovery. */
  readonly customBootstrap?: { readonly command: readonly string[] };
  /** How much of a dropped log tail is kept, in bytes. */
  readonly lostTailBytes: number;
  /** `off`: the server gets no control group of its own, and a fence walks its processes alone. */
  readonly cgroup?: 'auto' | 'off';
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
}
