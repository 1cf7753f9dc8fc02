/** Which server parameters belong to whom. Names are written with underscores. */

/** Decided by the agent alone. */
const OWNED =
  /^(datadir|socket|port|bind_address|pid_file|server_id|report_(host|port|user|password)|log_bin(_.*)?|relay_log(_.*)?|binlog_format|gtid_.*|enforce_gtid_consistency|log_(slave|replica)_updates|(super_)?read_only|skip_(slave|replica)_start|skip_log_bin|skip_networking|skip_name_resolve|skip_grant_tables|sync_binlog|sync_(master|source|relay_log)_info|sync_relay_log|innodb_flush_log_at_trx_commit|innodb_force_recovery|init_rpl_role|(slave|replica)_net_timeout|(master|source)_retry_count|rpl_semi_sync_.*|persisted_globals_load|offline_mode|event_scheduler_off|replicate_.*|binlog_(do|ignore)_db)$/;

/** Would let whoever can write the cluster's configuration run programs, load code or read files on the hosts. */
const DANGEROUS =
  /(_dir|_directory|_file|_path|_library|_key|_cert|_ca|_capath)$|^(user|chroot|tmpdir|basedir|init_connect|init_file|init_slave|init_replica|plugin.*|secure_file_priv|local_infile|early_plugin_load|language|lc_messages.*|general_log_file|slow_query_log_file|log_error.*|audit_.*|server_audit_.*|wsrep_.*|debug.*|innodb_data_.*|innodb_(log_group_home|undo|temp_data).*|core_file|bootstrap|des_key_file|old_mode|temp_pool|symbolic_links)$/;

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const LONGEST_VALUE = 1024;

/** Defaults that differ from the servers', in the weakest place. */
const DEFAULTS: Readonly<Record<string, string>> = {
  binlog_expire_logs_seconds: '604800',
  max_binlog_size: '268435456',
};

/** A parameter's name with underscores in lower case. */
export const canonical = (name: string): string => name.toLowerCase().replaceAll('-', '_');

/** Why a parameter is not taken, as a sentence; `undefined` when it is. `from` says how far its writer is trusted. */
export const parameterFault = (name: string, value: string, from: 'cluster' | 'local'): string | undefined => {
  if (!NAME.test(name)) return `'${name.slice(0, 80)}' is not a parameter's name`;
  // oxlint-disable-next-line no-control-regex
  if (value.length > LONGEST_VALUE || /[\0\r\n]/.test(value))
    return `${name}: a value is one line of at most ${LONGEST_VALUE} characters`;
  if (OWNED.test(name)) return `${name} is set by the agent itself`;
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
    for (const [written, value] of Object.entries(parameters)) {
      const name = canonical(written);
      const fault = parameterFault(name, value, from);
      if (fault === undefined) accepted[name] = value;
      else refused.push(fault);
    }
  };
  take('local', local);
  take('cluster', cluster);
  return { accepted, refused };
};
