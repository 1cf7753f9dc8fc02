import type { MemberName, Ms } from '../core/brand.ts';
import type { SettingsDocument } from '../core/model.ts';
import type { Settings, Tags } from '../core/settings.ts';
import type { Address } from './fields.ts';
import type { Secret } from './secret.ts';

/** The local configuration as the program sees it: checked, complete, times in milliseconds, files already read. */
export type LocalConfig = CommonConfig & EngineConfig;

/** The one database that this member runs. */
export type EngineConfig =
  | { readonly engine: 'postgresql'; readonly database: PostgresqlConfig }
  | { readonly engine: 'mysql' | 'mariadb'; readonly database: MysqlConfig };

interface CommonConfig {
  readonly cluster: { readonly name: string; readonly prefix: string };
  readonly member: { readonly name: MemberName; readonly stateDir: string; readonly runDir: string };
  readonly etcd: EtcdConfig;
  readonly api: ApiConfig;
  readonly guard: {
    readonly supervised: 'agent' | 'init';
    readonly cgroup: 'auto' | 'off';
    readonly cutPort: 'auto' | 'off';
  };
  readonly watchdog: { readonly mode: 'off' | 'automatic' | 'required'; readonly device: string };
  readonly hooks: {
    readonly commands: Readonly<
      Partial<Record<'pre_promote' | 'on_start' | 'on_stop' | 'on_role_change', readonly string[]>>
    >;
    readonly timeout: Ms;
  };
  readonly tags: Tags;
  /** What a new cluster begins with: compiled, and as it was written. */
  readonly bootstrap: { readonly settings: Settings; readonly document: SettingsDocument };
  readonly telemetry: {
    readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
    readonly logFile: string | undefined;
  };
}

export interface EtcdConfig {
  readonly endpoints: readonly string[];
  /** PEM texts. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: Secret } | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

export interface ApiConfig {
  readonly listen: Address;
  /** Base address as others reach it, without a slash at its end. */
  readonly advertiseUrl: string;
  /** PEM texts. */
  readonly tls:
    | {
        readonly cert: string;
        readonly key: Secret;
        readonly ca?: string;
        readonly verifyClient: 'none' | 'optional' | 'required';
      }
    | undefined;
  readonly control: Account | undefined;
  readonly allowFrom: readonly string[];
  readonly peersSecret: Secret | undefined;
}

export interface Account {
  readonly username: string;
  readonly password: Secret;
}

export interface PostgresqlConfig {
  readonly dataDir: string;
  readonly binDir: string;
  readonly listenHost: string;
  readonly port: number;
  readonly advertiseHost: string;
  readonly socketDir: string;
  readonly osUser: { readonly uid: number; readonly gid: number } | undefined;
  readonly credentials: {
    readonly superuser: Account;
    readonly replication: Account;
    readonly rewind: Account;
    readonly agent: Account;
  };
  readonly parameters: Readonly<Record<string, string>>;
  readonly accessRules: readonly string[];
  readonly configFile: string | undefined;
  readonly initdb: { readonly dataChecksums: boolean; readonly encoding: string; readonly locale: string };
  readonly ssl:
    | {
        readonly mode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
        readonly rootCertificate?: string;
      }
    | undefined;
  readonly restoreCommand: string | undefined;
  readonly archive: { readonly command: string; readonly mode: 'on' | 'always' } | undefined;
  readonly customClone: readonly {
    readonly name: string;
    readonly command: readonly string[];
    readonly keepData: boolean;
  }[];
  readonly customBootstrap: { readonly command: readonly string[] } | undefined;
  readonly lostTailBytes: number;
}

export interface MysqlConfig {
  readonly dataDir: string;
  /** Where the programs are, tried in this order. */
  readonly binDirs: readonly string[];
  readonly listenHost: string;
  readonly port: number;
  readonly advertiseHost: string;
  readonly socketDir: string;
  readonly osUser: { readonly uid: number; readonly gid: number } | undefined;
  readonly credentials: { readonly superuser: Account; readonly replication: Account; readonly agent: Account };
  readonly parameters: Readonly<Record<string, string>>;
  readonly configFile: string | undefined;
  readonly tls:
    | {
        readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
        readonly rootCertificate?: string;
      }
    | undefined;
  readonly customClone: readonly { readonly name: string; readonly command: readonly string[] }[];
  readonly customBootstrap: { readonly command: readonly string[] } | undefined;
  readonly lostTailBytes: number;
}
