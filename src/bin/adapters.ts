import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createEtcdStore } from '../adapters/etcd/store.ts';
import { createPeers } from '../adapters/http/peers.ts';
import { createGuard, type GuardClient } from '../adapters/os/guard-client.ts';
import { fetchCopy } from '../adapters/http/copy.ts';
import type { Account, LocalConfig, MysqlConfig, PostgresqlConfig } from '../config/local.ts';
import type { Ms } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Peers } from '../ports/peers.ts';
import type { Processes } from '../ports/processes.ts';

/** Makes the adapters from the configuration: the only place, beside the command line's, that knows them all. */

interface Base {
  readonly config: LocalConfig;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly log: Log;
}

export const storeOf = ({ config, clock, log }: Pick<Base, 'config' | 'clock' | 'log'>): ConsensusStore => {
  const { endpoints, tls, username, password } = config.etcd;
  return createEtcdStore({
    endpoints,
    clock,
    random: Math.random,
    log: log.child({ part: 'etcd' }),
    ...(tls === undefined
      ? {}
      : { tls: { ...without(tls.ca, 'ca'), ...without(tls.cert, 'cert'), ...without(tls.key?.reveal(), 'key') } }),
    ...without(username, 'username'),
    ...without(password?.reveal(), 'password'),
  });
};

/** `{ [name]: value }`, or nothing where there is no value. */
const without = <K extends string>(value: string | undefined, name: K): { readonly [P in K]?: string } =>
  // The computed key is the one that the type names.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: string });

const open = (account: Account): { readonly username: string; readonly password: string } => ({
  username: account.username,
  password: account.password.reveal(),
});

const postgresOf = async (pg: PostgresqlConfig, { config, clock, processes, log }: Base): Promise<Database> => {
  const { createPostgres } = await import('../adapters/postgres/database.ts');
  const { superuser, replication, rewind, agent } = pg.credentials;
  return createPostgres({
    name: config.member.name,
    clusterName: config.cluster.name,
    dataDir: pg.dataDir,
    binDir: pg.binDir,
    stateDir: config.member.stateDir,
    listenHost: pg.listenHost,
    port: pg.port,
    socketDir: pg.socketDir,
    credentials: {
      superuser: open(superuser),
      replication: open(replication),
      rewind: open(rewind),
      agent: open(agent),
    },
    parameters: pg.parameters,
    accessRules: pg.accessRules,
    initdb: pg.initdb,
    lostTailBytes: pg.lostTailBytes,
    customClone: pg.customClone,
    cgroup: config.guard.cgroup,
    processes,
    clock,
    log: log.child({ part: 'postgresql' }),
    ...(pg.osUser === undefined ? {} : { osUser: pg.osUser }),
    ...(pg.ssl === undefined ? {} : { ssl: pg.ssl }),
    ...(pg.archive === undefined ? {} : { archive: pg.archive }),
    ...(pg.customBootstrap === undefined ? {} : { customBootstrap: pg.customBootstrap }),
    ...without(pg.configFile, 'configFile'),
    ...without(pg.restoreCommand, 'restoreCommand'),
  });
};

const mysqlOf = async (
  engine: 'mysql' | 'mariadb',
  my: MysqlConfig,
  { config, clock, processes, log }: Base,
): Promise<Database> => {
  const { createMysql } = await import('../adapters/mysql/database.ts');
  const { superuser, replication, agent } = my.credentials;
  const secret = replication.password.reveal();
  const ca = config.api.tls?.ca;
  return createMysql({
    engine,
    name: config.member.name,
    clusterName: config.cluster.name,
    dataDir: my.dataDir,
    binDirs: my.binDirs,
    stateDir: config.member.stateDir,
    listenHost: my.listenHost,
    port: my.port,
    socketDir: my.socketDir,
    credentials: { superuser: open(superuser), replication: open(replication), agent: open(agent) },
    parameters: my.parameters,
    lostTailBytes: my.lostTailBytes,
    customClone: my.customClone,
    cgroup: config.guard.cgroup,
    fetchCopy: (from, { signal }) =>
      fetchCopy({
        url: from.agentUrl ?? '',
        cluster: config.cluster.name,
        secret,
        signal,
        ...(ca === undefined ? {} : { tls: { ca } }),
      }),
    processes,
    clock,
    log: log.child({ part: engine }),
    ...(my.osUser === undefined ? {} : { osUser: my.osUser }),
    ...(my.tls === undefined ? {} : { tls: my.tls }),
    ...(my.customBootstrap === undefined ? {} : { customBootstrap: my.customBootstrap }),
    ...without(my.configFile, 'configFile'),
  });
};

/** Loads the adapter of the configured engine alone: each brings a client library of some megabytes. */
export const databaseOf = async (base: Base): Promise<Database> => {
  const { config } = base;
  return config.engine === 'postgresql'
    ? postgresOf(config.database, base)
    : mysqlOf(config.engine, config.database, base);
};

/** The guard's program lies beside this one, as source or as built. */
const guardEntry = (): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'haagent-guard.ts' : 'haagent-guard.js');

export const guardOf = ({ config, clock, processes, log }: Base, database: Database, fenceBudget: Ms): GuardClient => {
  const { stateDir, runDir } = config.member;
  const { mode, device } = config.watchdog;
  if (mode === 'required' && !existsSync(device))
    throw new AgentError('config-invalid', `watchdog.mode is required, but ${device} is not there`, {
      hint: 'load a watchdog driver (modprobe softdog), or set watchdog.mode to automatic',
    });
  return createGuard({
    processes,
    clock,
    log: log.child({ part: 'guard' }),
    place: {
      socket: join(runDir, 'guard.sock'),
      stateFile: join(runDir, 'guard.json'),
      target: database.guardTarget,
      cutPort: config.guard.cutPort,
      token: `${config.cluster.name}/${config.member.name}`,
      fenceBudget,
      output: join(stateDir, 'guard.log'),
      ...(config.guard.supervised === 'agent' ? { entry: guardEntry() } : {}),
      ...(mode !== 'off' && existsSync(device) ? { watchdog: device } : {}),
    },
  });
};

export const peersOf = (config: LocalConfig, positions: PositionAlgebra): Peers => {
  const ca = config.api.tls?.ca;
  return createPeers({
    cluster: config.cluster.name,
    positions,
    ...without(config.api.peersSecret?.reveal(), 'secret'),
    ...(ca === undefined ? {} : { tls: { ca } }),
  });
};
