import type { ControlFile } from './control-file.ts';

/** Which database parameters belong to whom. */

/** Decided by the agent alone: on the command line, or in its own part of the configuration. */
const OWNED: ReadonlySet<string> = new Set([
  'listen_addresses',
  'port',
  'unix_socket_directories',
  'cluster_name',
  'hot_standby',
  'wal_log_hints',
  'restart_after_crash',
  'password_encryption',
  'config_file',
  'data_directory',
  'hba_file',
  'ident_file',
  'external_pid_file',
  'primary_conninfo',
  'primary_slot_name',
  'synchronous_standby_names',
  'synchronized_standby_slots',
  'haagent.revision',
  'restore_command',
  'archive_mode',
  'archive_command',
  'archive_library',
  'archive_cleanup_command',
  'recovery_end_command',
  'promote_trigger_file',
  'full_page_writes',
]);

/** Would let whoever can write the cluster's configuration run programs, load code or read files on the hosts. */
const DANGEROUS =
  /(_command|_library|_preload_libraries|_path|_file|_directory|_directories)$|^(recovery_target.*|jit_provider|lc_.*|event_source|ssl_passphrase_.*|allow_in_place_tablespaces|allow_system_table_mods|zero_damaged_pages|ignore_checksum_failure|ignore_system_indexes|ignore_invalid_pages|fsync|debug_.*|developer_.*)$/;

/** Must be at least as large on a replica as on the primary, so the command line carries what the control file asks for. */
const LIMITS: Readonly<Record<string, number>> = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/** Defaults that differ from PostgreSQL's, in the weakest place. */
const DEFAULTS: Readonly<Record<string, string>> = {
  wal_retrieve_retry_interval: '500ms',
  wal_receiver_timeout: '10s',
  // A primary knows within this time how far its replicas are.
  wal_receiver_status_interval: '1s',
  wal_sender_timeout: '10s',
  wal_keep_size: '128MB',
};

const NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/;
const LONGEST_VALUE = 8192;

/** Why a parameter is not taken, as a sentence; `undefined` when it is. `from` says how far its writer is trusted. */
export const parameterFault = (name: string, value: string, from: 'cluster' | 'local'): string | undefined => {
  if (name.length > 63 || !NAME.test(name)) return `'${name.slice(0, 80)}' is not a parameter's name`;
  // oxlint-disable-next-line no-control-regex
  if (value.length > LONGEST_VALUE || /[\0\r\n]/.test(value))
    return `${name}: a value is one line of at most ${LONGEST_VALUE} characters`;
  if (OWNED.has(name)) return `${name} is set by the agent itself`;
  if (name in LIMITS || name === 'max_replication_slots')
    return /^\d{1,6}$/.test(value) ? undefined : `${name}: '${value}' is not a whole number`;
  if (name === 'wal_level')
    return value === 'replica' || value === 'logical' ? undefined : 'wal_level is replica or logical';
  if (from === 'cluster' && DANGEROUS.test(name)) return `${name} may only be set in the local file of each member`;
  return undefined;
};

export interface Merged {
  readonly accepted: Readonly<Record<string, string>>;
  /** One sentence for each parameter that was left out. */
  readonly refused: readonly string[];
}

/** Local parameters, then the cluster's over them; names that are not taken are left out and said. */
export const mergeParameters = (
  local: Readonly<Record<string, string>>,
  cluster: Readonly<Record<string, string>>,
): Merged => {
  const accepted: Record<string, string> = { ...DEFAULTS };
  const refused: string[] = [];
  const take = (from: 'cluster' | 'local', parameters: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(parameters)) {
      const fault = parameterFault(name.toLowerCase(), value, from);
      if (fault === undefined) accepted[name.toLowerCase()] = value;
      else refused.push(fault);
    }
  };
  take('local', local);
  take('cluster', cluster);
  return { accepted, refused };
};

/** On the command line: these beat every file, also one that a superuser wrote with ALTER SYSTEM. */
export interface CommandLineInput {
  readonly listenHost: string;
  readonly port: number;
  readonly socketDir: string;
  readonly clusterName: string;
  readonly accessFile: string;
  readonly identFile: string;
  readonly archiveMode: string | undefined;
}

/** The parameters of the server's command line. A limit is never below what the data was last run with. */
export const commandLineParameters = (
  input: CommandLineInput,
  accepted: Readonly<Record<string, string>>,
  control: ControlFile | undefined,
): Readonly<Record<string, string>> => ({
  listen_addresses: input.listenHost,
  port: String(input.port),
  unix_socket_directories: input.socketDir,
  cluster_name: input.clusterName,
  hba_file: input.accessFile,
  ident_file: input.identFile,
  hot_standby: 'on',
  wal_level: accepted['wal_level'] ?? 'replica',
  wal_log_hints: 'on',
  full_page_writes: 'on',
  // A crashed backend ends the server instead of bringing it back as a primary behind the agent's back (D16, A16).
  restart_after_crash: 'off',
  recovery_target_timeline: 'latest',
  password_encryption: 'scram-sha-256',
  max_replication_slots: accepted['max_replication_slots'] ?? '20',
  archive_mode: input.archiveMode ?? 'off',
  ...Object.fromEntries(
    Object.entries(LIMITS).map(([name, least]) => [
      name,
      String(Math.max(Number(accepted[name] ?? least), control?.limits[name] ?? 0)),
    ]),
  ),
});

/** What the data is to be run with from its first day: later these can be raised, but never fall below what it was run with. */
export const firstLimits = (accepted: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(LIMITS).map(([name, least]) => [name, accepted[name] ?? String(least)]));

/** Parameters of the configuration file: what is neither on the command line nor ours. */
export const fileParameters = (accepted: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(accepted).filter(
      ([name]) => !(name in LIMITS || name === 'max_replication_slots' || name === 'wal_level'),
    ),
  );

/** Everything that ALTER SYSTEM must not hold against us: removed from postgresql.auto.conf before every start (C12). */
export const isOurs = (name: string): boolean => OWNED.has(name) || name in LIMITS;
