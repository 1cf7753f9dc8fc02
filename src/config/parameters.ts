/** Which database parameters the cluster's configuration in etcd may carry. No command line ever comes from etcd. */

const NAME = /^[a-z_][a-z0-9_.]{0,62}$/;

/** Decided by each member's agent from its local file. */
const OWNED: ReadonlyMap<string, string> = new Map([
  ['listen_addresses', 'postgresql.listen in the local file'],
  ['port', 'postgresql.port in the local file'],
  ['unix_socket_directories', 'postgresql.socket_dir in the local file'],
  ['data_directory', 'postgresql.data_dir in the local file'],
  ['config_file', 'postgresql.config_file in the local file'],
  ['hba_file', 'access_rules'],
  ['ident_file', 'nothing: the agent decides it'],
  ['external_pid_file', 'nothing: the agent decides it'],
  ['cluster_name', 'nothing: it is the member and its instance'],
  ['primary_conninfo', 'nothing: the agent makes every replica follow the leader'],
  ['primary_slot_name', 'nothing: the agent keeps the slots'],
  ['synchronous_standby_names', 'replication.mode and replication.acks'],
  ['synchronized_standby_slots', 'nothing: the agent lists the voters'],
  ['hot_standby', 'nothing: it must be on'],
  ['wal_log_hints', 'nothing: it must be on for rewinds'],
  ['full_page_writes', 'nothing: it must be on for rewinds'],
  ['fsync', 'nothing: it must be on'],
  ['restart_after_crash', 'on_crash'],
  ['password_encryption', 'nothing: it is scram-sha-256'],
  ['archive_mode', 'postgresql.archive.mode in the local file of each member'],
  ['archive_command', 'postgresql.archive.command in the local file of each member'],
  ['restore_command', 'postgresql.restore_command in the local file of each member'],
  ['archive_library', 'postgresql.archive.command in the local file of each member'],
  ['archive_cleanup_command', 'nothing: the agent decides what is kept'],
  ['recovery_end_command', 'hooks in the local file of each member'],
  ['promote_trigger_file', 'nothing: only the agent promotes'],
]);

/** Runs programs, loads code, or reads files on the hosts; or makes data unsafe. */
const DANGEROUS =
  /(command|_librar(y|ies)|_path|_file|_director(y|ies))$|(^|[._])(on_[a-z_]*init|start_proc)$|^(recovery_target.*|jit_provider|lc_.*|event_source|ssl_passphrase_.*|allow_in_place_tablespaces|allow_system_table_mods|zero_damaged_pages|ignore_.*|debug_.*|developer_.*)$/;

const WHOLE: ReadonlySet<string> = new Set([
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'max_replication_slots',
]);

/** What is wrong with a database parameter in the local file: its name, its form, or that the agent decides it. */
export const localParameterFault = (name: string, value: string): string | undefined => {
  if (!NAME.test(name)) return 'a parameter name: lower case letters, digits, _ and a dot';
  // A line break would begin another setting in the server's file.
  if (value.length > 8192 || /[\p{Cc}]/u.test(value)) return 'one line of at most 8192 characters';
  const elsewhere = OWNED.get(name);
  if (elsewhere !== undefined) return elsewhere.startsWith('nothing: ') ? elsewhere : `not here, but ${elsewhere}`;
  if (WHOLE.has(name) && !/^\d{1,6}$/.test(value)) return 'a whole number';
  if (name === 'wal_level' && value !== 'replica' && value !== 'logical') return 'replica or logical';
  return undefined;
};

/**
 * What is wrong with a database parameter in the cluster's configuration, as a sentence that says where to set it
 * instead; `undefined` when it may stand there.
 */
export const parameterFault = (name: string, value: string): string | undefined => {
  const local = localParameterFault(name, value);
  if (local !== undefined) return local;
  if (DANGEROUS.test(name))
    return `not here: it could run a program, load code or endanger data on every host; set postgresql.parameters.${name} in the local file of each member`;
  return undefined;
};

/** Why a line is not an access rule (pg_hba.conf), as what would be right; `undefined` when it is one. */
export const accessRuleFault = (line: string): string | undefined => {
  if (line.length > 1000 || /[\p{Cc}]/u.test(line.replaceAll('\t', ' '))) return 'one line of at most 1000 characters';
  if (line.includes('@')) return 'names, not files of names (@)';
  return /^(local|host|hostssl|hostnossl|hostgssenc|hostnogssenc)\s+\S/.test(line.trim())
    ? undefined
    : 'a line of pg_hba.conf that begins with local, host, hostssl or the like';
};
