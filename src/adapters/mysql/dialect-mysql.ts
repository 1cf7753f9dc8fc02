import type { Demanded, Dialect, ReceiverOrder } from './dialect.ts';
import { contains, formatGtidSet, parseGtidSet, subtract, unionOf, type GtidSet } from './gtid-set.ts';
import { mysqlPositions, toMysqlPosition } from './positions.ts';
import { accountStatements } from './roles.ts';
import { quoteAccount, quoteLiteral } from './quoting.ts';
import type { Credential } from './options.ts';
import type { Row } from './session.ts';

const setIn = (text: string | null | undefined): GtidSet => parseGtidSet(text ?? '') ?? new Map();

const AGENT_RIGHTS = [
  'reload, process, shutdown, replication client, replication slave, system_variables_admin, replication_slave_admin, connection_admin',
  'service_connection_admin, binlog_admin, clone_admin, backup_admin, system_user, persist_ro_variables_admin',
].join(', ');

const ssl = ({ tls }: ReceiverOrder): string => {
  const mode = tls?.mode ?? 'prefer';
  if (mode === 'disable') return ', source_ssl = 0, get_source_public_key = 1';
  if (mode === 'prefer') return ', source_ssl = 1, source_ssl_verify_server_cert = 0';
  const ca = tls?.rootCertificate === undefined ? '' : `, source_ssl_ca = ${quoteLiteral(tls.rootCertificate)}`;
  return `, source_ssl = 1, source_ssl_verify_server_cert = ${mode === 'verify-full' ? 1 : 0}${ca}`;
};

const reachOf = ({ source, account }: ReceiverOrder): string =>
  `source_host = ${quoteLiteral(source.host)}, source_port = ${source.port}, ` +
  `source_user = ${quoteLiteral(account.username)}, source_password = ${quoteLiteral(account.password)}`;

/** Commits wait for as long as this: the most that the server takes, 49 days of milliseconds. */
const FOR_EVER = '4294967295';

const identified = (password: string): string => `identified with caching_sha2_password by ${quoteLiteral(password)}`;

/** One of the server's own numbers. */
const status = (name: string): string =>
  `(select variable_value from performance_schema.global_status where variable_name = 'Rpl_semi_sync_source_${name}') as \`${name}\``;

const readDemand = (row: Row | undefined): Demanded => {
  const on = row?.['enabled'] === '1';
  const sound =
    row?.['status'] === 'ON' && row['place'] === 'AFTER_SYNC' && row['patience'] === FOR_EVER && row['alone'] === '1';
  return {
    acks: on ? (sound ? Number(row['acks']) : undefined) : row?.['status'] === 'OFF' ? 0 : undefined,
    waiting: Number(row?.['wait_sessions'] ?? 0),
    weak: Number(row?.['no_tx'] ?? 0),
  };
};

const readFacts = (answers: readonly (readonly Row[])[]): ReturnType<Dialect['readFacts']> => {
  const [[server] = [], [replica] = [], [connection] = [], [demand] = []] = answers;
  const executed = setIn(server?.['executed']);
  const io = replica?.['Replica_IO_Running'];
  const sql = replica?.['Replica_SQL_Running'];
  const receiver = io === 'Yes' ? 'streaming' : io === 'Connecting' ? 'connecting' : 'none';
  const behind = replica?.['Seconds_Behind_Source'];
  const trouble = [replica?.['Last_IO_Error'], replica?.['Last_SQL_Error']].filter(
    (text) => text !== null && text !== undefined && text !== '',
  );
  const host = replica?.['Source_Host'] ?? '';
  return {
    // While a statement waits to set both, the stronger one shows 1 already and the weaker 0.
    readOnly: server?.['readonly'] === '1' && server['super_readonly'] === '1',
    executed: formatGtidSet(executed),
    received: formatGtidSet(unionOf(executed, setIn(replica?.['Retrieved_Gtid_Set']))),
    reached: formatGtidSet(unionOf(executed, setIn(replica?.['Retrieved_Gtid_Set']))),
    // Its name is the same in all roles: only the source can tell.
    errant: undefined,
    receiver,
    applying: sql === 'Yes',
    source: host === '' ? undefined : { host, port: Number(replica?.['Source_Port']) },
    delayMs:
      receiver === 'streaming' && sql === 'Yes' && typeof behind === 'string' ? Number(behind) * 1_000 : undefined,
    trouble: trouble.length > 0 ? trouble.join('; ') : undefined,
    account: replica?.['Source_User'] ?? undefined,
    heard: [
      connection?.['heartbeats'],
      replica?.['Source_Log_File'],
      replica?.['Read_Source_Log_Pos'],
      replica?.['Retrieved_Gtid_Set'],
    ].join(' '),
    demanded: readDemand(demand),
    uptimeSeconds: Number(server?.['uptime'] ?? 0),
  };
};

/** MySQL 8.0.26 to 9.x. */
export const mysqlDialect = (version: string): Dialect => ({
  engine: 'mysql',
  product: 'MySQL',
  version,
  positions: mysqlPositions,
  toPosition: (gtids, generation) => toMysqlPosition(setIn(gtids), generation),
  contains: (whole, part) => contains(setIn(whole), setIn(part)),
  missing: (part, whole) => formatGtidSet(subtract(setIn(part), setIn(whole))),
  transactionAt: (line) => /GTID_NEXT\s*=\s*'([0-9a-f-]+:[^']*\d)'/i.exec(line)?.[1],

  programs: { server: 'mysqld', logReader: 'mysqlbinlog' },
  initialize: ({ dataDir, confFile }) => ({
    program: 'mysqld',
    args: [`--defaults-file=${confFile}`, '--initialize-insecure', `--datadir=${dataDir}`],
  }),
  checkArguments: (confFile) => [`--defaults-file=${confFile}`, '--validate-config'],
  options: {
    gtid_mode: 'ON',
    enforce_gtid_consistency: 'ON',
    log_replica_updates: 'ON',
    skip_replica_start: 'ON',
    read_only: 'ON',
    super_read_only: 'ON',
    replica_net_timeout: '4',
    relay_log_recovery: 'OFF',
    // What SET PERSIST left in the data would beat this file, also after a clone (C16).
    persisted_globals_load: 'OFF',
    mysqlx: 'OFF',
    replica_preserve_commit_order: 'ON',
    innodb_undo_log_truncate: 'OFF',
    loose_replication_sender_observe_commit_only: 'OFF',
    // An acknowledgement is on the replica's disk before it is sent.
    sync_relay_log: '1',
    plugin_load_add: 'semisync_source.so;semisync_replica.so;mysql_clone.so',
    loose_rpl_semi_sync_source_enabled: 'OFF',
    loose_rpl_semi_sync_replica_enabled: 'OFF',
    loose_rpl_semi_sync_source_timeout: FOR_EVER,
    loose_rpl_semi_sync_source_wait_point: 'AFTER_SYNC',
    loose_rpl_semi_sync_source_wait_no_replica: 'ON',
  },
  resumeOptions: {
    gtid_mode: 'ON',
    enforce_gtid_consistency: 'ON',
    log_bin: 'binlog',
    skip_replica_start: 'ON',
    persisted_globals_load: 'OFF',
    mysqlx: 'OFF',
    plugin_load_add: 'mysql_clone.so',
  },
  defaults: { secure_file_priv: 'NULL' },
  privateOptions: { skip_log_bin: '', log_replica_updates: 'OFF', gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' },

  accounts: (credentials) => [
    ...accountStatements(credentials, {
      superuserHosts: ['localhost'],
      replication: 'replication slave, backup_admin, clone_admin, connection_admin',
      agent: AGENT_RIGHTS,
      identifiedBy: identified,
    }),
    `grant select on performance_schema.* to ${quoteAccount(credentials.agent.username, 'localhost')}`,
  ],
  forgetLog: [],
  resumeFrom: () => [],
  copy: {
    kind: 'pulled',
    pull: (source, account, tls) => [
      `set global clone_valid_donor_list = ${quoteLiteral(`${source.host}:${source.port}`)}`,
      `clone instance from ${quoteAccount(account.username, source.host)}:${source.port}
         identified by ${quoteLiteral(account.password)} ${tls?.mode === 'disable' ? 'require no ssl' : tls === undefined || tls.mode === 'prefer' ? '' : 'require ssl'}`,
    ],
    // Cloned, and nobody there who would start the server again: the agent does.
    endedWith: 3707,
  },

  questions: [
    `select @@global.read_only as readonly, @@global.super_read_only as super_readonly, @@global.gtid_executed as executed,
      (select variable_value from performance_schema.global_status where variable_name = 'Uptime') as uptime`,
    'show replica status',
    `select count_received_heartbeats as heartbeats from performance_schema.replication_connection_status where channel_name = ''`,
    `select @@global.rpl_semi_sync_source_enabled as enabled, @@global.rpl_semi_sync_source_wait_point as place,
      @@global.rpl_semi_sync_source_timeout as patience, @@global.rpl_semi_sync_source_wait_no_replica as alone,
      @@global.rpl_semi_sync_source_wait_for_replica_count as acks,
      ${status('status')}, ${status('wait_sessions')}, ${status('no_tx')}`,
  ],
  processes: 'performance_schema.processlist',
  readFacts,
  endQuestion: 'select @@global.gtid_executed as executed',
  readEnd: (row) => formatGtidSet(setIn(row?.['executed'])),

  stopReceiver: 'stop replica io_thread',
  startApplier: 'start replica sql_thread',
  stopReplication: 'stop replica',
  startReplication: 'start replica',
  forgetSource: 'reset replica all',
  pointAt: (order) => [
    `change replication source to ${reachOf(order)}, source_auto_position = 1, source_connect_retry = 1, ` +
      `source_retry_count = 0, source_heartbeat_period = 0.5${ssl(order)}`,
  ],
  pointAtKeeping: (order) => [`change replication source to ${reachOf(order)}`],

  close: 'set global super_read_only = 1',
  openForAgent: 'set global super_read_only = 0',
  open: 'set global read_only = 0',
  clientSessions: `select id as id from performance_schema.processlist where command not in ('Daemon', 'Binlog Dump', 'Binlog Dump GTID', 'Killed')
      and user not in ('system user', 'event_scheduler', 'unauthenticated user') and user <> substring_index(user(), '@', 1)`,
  kill: (id) => `kill connection ${id}`,
  grantsWhileReadOnly: false,
  dropsReceived: false,
  mostAcks: 100,
  demand: (acks) => [
    `set global rpl_semi_sync_source_timeout = ${FOR_EVER}, global rpl_semi_sync_source_wait_no_replica = 1`,
    `set global rpl_semi_sync_source_wait_for_replica_count = ${acks}`,
    'set global rpl_semi_sync_source_enabled = 1',
  ],
  release: ['set global rpl_semi_sync_source_enabled = 0'],
  vote: (votes) => `set global rpl_semi_sync_replica_enabled = ${votes ? 1 : 0}`,
  voter: ({ username, password }: Credential) => [
    `create user if not exists ${quoteAccount(username, '%')} ${identified(password)}`,
    `alter user ${quoteAccount(username, '%')} ${identified(password)}`,
    `grant replication slave, connection_admin on *.* to ${quoteAccount(username, '%')}`,
  ],
  senders: `select id as id, user as account, state like '%has sent all binlog%' as done from performance_schema.processlist
    where command in ('Binlog Dump', 'Binlog Dump GTID')`,
  connectedReplicas: 'show replicas',
  replicaOf: (row) => ({ name: row['Host'] ?? '', host: undefined }),
});
