import type { Demanded, Dialect, Gtids, ReceiverOrder } from './dialect.ts';
import {
  beyond,
  covers,
  formatGtidState,
  lastOf,
  merge,
  parseGtidState,
  stateAt,
  stateOf,
  type GtidState,
} from './gtid-state.ts';
import { mariadbPositions, toMariadbPosition } from './positions.ts';
import { accountStatements } from './roles.ts';
import { quoteAccount, quoteLiteral } from './quoting.ts';
import type { Credential } from './options.ts';
import type { Row } from './session.ts';

const stateIn = (text: string | null | undefined): GtidState => parseGtidState(text ?? '') ?? new Map();

/** Everything that the agent does, and nothing that an application would need. */
const AGENT_RIGHTS = [
  'reload, process, shutdown, lock tables, binlog monitor, binlog admin, slave monitor, connection admin',
  'read_only admin, replication slave admin, replication master admin',
].join(', ');

const ssl = ({ tls }: ReceiverOrder): string => {
  const mode = tls?.mode ?? 'prefer';
  if (mode === 'disable' || mode === 'prefer') return ', master_ssl = 0';
  const ca = tls?.rootCertificate === undefined ? '' : `, master_ssl_ca = ${quoteLiteral(tls.rootCertificate)}`;
  const verify = mode === 'verify-ca' || mode === 'verify-full' ? 1 : 0;
  return `, master_ssl = 1, master_ssl_verify_server_cert = ${verify}${ca}`;
};

const pointAt = (order: ReceiverOrder): readonly string[] => [
  `set global gtid_slave_pos = ${quoteLiteral(formatGtidState(lastOf(stateIn(order.executed))))}`,
  `change master to master_host = ${quoteLiteral(order.source.host)}, master_port = ${order.source.port}, ` +
    `master_user = ${quoteLiteral(order.account.username)}, master_password = ${quoteLiteral(order.account.password)}, ` +
    `master_use_gtid = slave_pos, master_connect_retry = 1, master_heartbeat_period = 0.5${ssl(order)}`,
];

/** Commits wait for as long as this: milliseconds, six hundred million years. */
const FOR_EVER = '18446744073709551615';

const identified = (password: string): string =>
  `identified via mysql_native_password using password(${quoteLiteral(password)})`;

/** One of the server's own numbers. Not by an aggregate: beside one, this server shows its switches as 0. */
const status = (name: string): string =>
  `(select variable_value from information_schema.global_status where variable_name = 'RPL_SEMI_SYNC_MASTER_${name}') as \`${name}\``;

const readDemand = (row: Row | undefined): Demanded => {
  const on = row?.['enabled'] === '1';
  const sound =
    row?.['STATUS'] === 'ON' && row['place'] === 'AFTER_SYNC' && row['patience'] === FOR_EVER && row['alone'] === '1';
  return {
    acks: on ? (sound ? 1 : undefined) : row?.['STATUS'] === 'OFF' ? 0 : undefined,
    waiting: Number(row?.['WAIT_SESSIONS'] ?? 0),
    weak: Number(row?.['NO_TX'] ?? 0),
  };
};

const readFacts = (answers: readonly (readonly Row[])[]): ReturnType<Dialect['readFacts']> => {
  const [[server] = [], [replica] = [], [demand] = []] = answers;
  const executed = merge(stateIn(server?.['log']), stateIn(server?.['replicated']));
  const io = replica?.['Slave_IO_Running'];
  const sql = replica?.['Slave_SQL_Running'];
  const receiver = io === 'Yes' ? 'streaming' : io === 'Connecting' || io === 'Preparing' ? 'connecting' : 'none';
  const behind = replica?.['Seconds_Behind_Master'];
  const trouble = [replica?.['Last_IO_Error'], replica?.['Last_SQL_Error']].filter(
    (text) => text !== null && text !== undefined && text !== '',
  );
  const host = replica?.['Master_Host'] ?? '';
  // Every start has a number of its own, so a replica has none of its own in its log.
  const own = host === '' ? [] : [...executed.values()].filter((entry) => String(entry.server) === server?.['own']);
  const queued = stateIn(replica?.['Gtid_IO_Pos']);
  // With both threads stopped the next start of either drops what was received: it is lost already. Onto transactions of its own nothing
  // that was received can be applied.
  const kept = own.length > 0 || (receiver === 'none' && sql !== 'Yes') ? executed : merge(executed, queued);
  // The server names only the last one that it received: how far the writers before it came is known once that has begun to be applied.
  const complete = [...queued.keys()].every((writer) => executed.has(writer));
  return {
    readOnly: server?.['readonly'] !== '0',
    executed: formatGtidState(executed),
    received: formatGtidState(kept),
    reached: formatGtidState(complete ? kept : executed),
    errant: own.length === 0 ? undefined : formatGtidState(stateOf(own)),
    receiver,
    applying: sql === 'Yes',
    source: host === '' ? undefined : { host, port: Number(replica?.['Master_Port']) },
    delayMs:
      receiver === 'streaming' && sql === 'Yes' && typeof behind === 'string' ? Number(behind) * 1_000 : undefined,
    trouble: trouble.length > 0 ? trouble.join('; ') : undefined,
    account: replica?.['Master_User'] ?? undefined,
    heard: [
      replica?.['Slave_received_heartbeats'],
      replica?.['Master_Log_File'],
      replica?.['Read_Master_Log_Pos'],
      replica?.['Gtid_IO_Pos'],
    ].join(' '),
    demanded: readDemand(demand),
    uptimeSeconds: Number(server?.['uptime'] ?? 0),
  };
};

/** MariaDB from 10.6 on. */
export const mariadbDialect = (version: string): Dialect => ({
  engine: 'mariadb',
  product: 'MariaDB',
  version,
  positions: mariadbPositions,
  toPosition: (gtids, generation) => toMariadbPosition(stateIn(gtids), generation),
  contains: (whole, part) => covers(stateIn(whole), stateIn(part)),
  missing: (part, whole) => formatGtidState(stateOf(beyond(stateIn(part), stateIn(whole)))),
  transactionAt: (line) => /\bGTID ([0-9]+-[0-9]+-[0-9]+)\b/.exec(line)?.[1],

  programs: { server: 'mariadbd', logReader: 'mariadb-binlog' },
  initialize: ({ dataDir, confFile, tmpDir }) => ({
    program: 'mariadb-install-db',
    args: [
      `--defaults-file=${confFile}`,
      `--datadir=${dataDir}`,
      `--tmpdir=${tmpDir}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--skip-log-bin',
    ],
  }),
  checkArguments: (confFile) => [`--defaults-file=${confFile}`, '--help', '--verbose'],
  options: {
    gtid_strict_mode: 'ON',
    log_slave_updates: 'ON',
    skip_slave_start: 'ON',
    read_only: 'ON',
    slave_net_timeout: '4',
    master_retry_count: '0',
    loose_slave_connections_needed_for_purge: '0',
    // What was received counts only as long as its server runs: a start drops it, and makes its member another voter.
    sync_relay_log: '10000',
    sync_master_info: '10000',
    relay_log_recovery: 'OFF',
    slave_parallel_mode: 'optimistic',
    rpl_semi_sync_master_enabled: 'OFF',
    rpl_semi_sync_slave_enabled: 'OFF',
    rpl_semi_sync_master_timeout: FOR_EVER,
    rpl_semi_sync_master_wait_point: 'AFTER_SYNC',
    rpl_semi_sync_master_wait_no_slave: 'ON',
  },
  defaults: {},
  privateOptions: { skip_log_bin: '', log_slave_updates: 'OFF' },
  resumeOptions: { log_bin: 'binlog', gtid_strict_mode: 'ON', skip_slave_start: 'ON' },

  accounts: (credentials) =>
    accountStatements(credentials, {
      superuserHosts: ['localhost'],
      replication: 'replication slave, connection admin',
      agent: AGENT_RIGHTS,
      identifiedBy: identified,
    }),
  forgetLog: [],
  resumeFrom: (gtids) => [
    'reset master',
    `set global gtid_binlog_state = ${quoteLiteral(gtids)}`,
    `set global gtid_slave_pos = ${quoteLiteral(formatGtidState(lastOf(stateIn(gtids))))}`,
  ],
  copy: {
    kind: 'streamed',
    send: ({ confFile, workDir }) => [
      'mariadb-backup',
      `--defaults-file=${confFile}`,
      '--backup',
      '--stream=xbstream',
      `--target-dir=${workDir}`,
    ],
    unpack: (dataDir) => ['mbstream', '-x', '-C', dataDir],
    prepare: (dataDir) => ['mariadb-backup', '--prepare', `--target-dir=${dataDir}`],
    endFiles: ['mariadb_backup_binlog_info', 'xtrabackup_binlog_info'],
    end: (text, before, after) => {
      const place = parseGtidState(text.trim().split('\t')[2] ?? '');
      return place === undefined ? undefined : formatGtidState(stateAt(place, stateIn(before), stateIn(after)));
    },
  },

  questions: [
    `select @@global.read_only as readonly, @@global.gtid_binlog_state as log, @@global.gtid_slave_pos as replicated, @@global.server_id as own,
      (select variable_value from information_schema.global_status where variable_name = 'UPTIME') as uptime`,
    'show all slaves status',
    `select @@global.rpl_semi_sync_master_enabled as enabled, @@global.rpl_semi_sync_master_wait_point as place,
      @@global.rpl_semi_sync_master_timeout as patience, @@global.rpl_semi_sync_master_wait_no_slave as alone,
      ${status('STATUS')}, ${status('WAIT_SESSIONS')}, ${status('NO_TX')}`,
  ],
  processes: 'information_schema.processlist',
  readFacts,
  endQuestion: 'select @@global.gtid_binlog_state as log, @@global.gtid_slave_pos as replicated',
  readEnd: (row): Gtids => formatGtidState(merge(stateIn(row?.['log']), stateIn(row?.['replicated']))),

  stopReceiver: 'stop slave io_thread',
  startApplier: 'start slave sql_thread',
  stopReplication: 'stop slave',
  startReplication: 'start slave',
  forgetSource: 'reset slave all',
  pointAt,

  close: 'set global read_only = 1',
  openForAgent: 'do 0',
  open: 'set global read_only = 0',
  clientSessions: `select id as id from information_schema.processlist where command not in ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL',
      'Slave_worker', 'Killed') and user not in ('system user', 'event_scheduler', 'unauthenticated user') and user <> substring_index(user(), '@', 1)`,
  kill: (id) => `kill hard connection ${id}`,
  grantsWhileReadOnly: true,
  dropsReceived: true,
  // Sent to whoever acknowledges first, and no further question is asked.
  mostAcks: 1,
  demand: () => [
    `set global rpl_semi_sync_master_timeout = ${FOR_EVER}, global rpl_semi_sync_master_wait_point = AFTER_SYNC,
      global rpl_semi_sync_master_wait_no_slave = 1`,
    'set global rpl_semi_sync_master_enabled = 1',
  ],
  release: ['set global rpl_semi_sync_master_enabled = 0'],
  vote: (votes) => `set global rpl_semi_sync_slave_enabled = ${votes ? 1 : 0}`,
  voter: ({ username, password }: Credential) => [
    `create user if not exists ${quoteAccount(username, '%')} ${identified(password)}`,
    `alter user ${quoteAccount(username, '%')} ${identified(password)}`,
    // Commits that wait may hold every connection that others can have: their voter must come in.
    `grant replication slave, connection admin on *.* to ${quoteAccount(username, '%')}`,
  ],
  senders: `select id as id, user as account, state like 'Master has sent all binlog%' as done
    from information_schema.processlist where command = 'Binlog Dump'`,
  connectedReplicas: 'show slave hosts',
  replicaOf: (row) => ({ name: row['Host'] ?? '', host: undefined }),
  cleanEnd: { file: 'binlog.state', read: (text) => optional(parseGtidState(text.trim().replaceAll(/\s+/g, ','))) },
});

const optional = (state: GtidState | undefined): Gtids | undefined =>
  state === undefined ? undefined : formatGtidState(state);
