import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createClock } from '../adapters/os/clock.ts';
import { createProcesses } from '../adapters/os/processes.ts';
import { admitName } from '../agent/admission.ts';
import { startAgent, type Agent } from '../agent/agent.ts';
import { createHooks } from '../agent/hooks.ts';
import { createInstanceFile } from '../agent/instance.ts';
import { createPromiseFile } from '../agent/promise-file.ts';
import { createStoreFile } from '../agent/store-file.ts';
import type { ApiDeps } from '../api/deps.ts';
import { createApi, type Api } from '../api/server.ts';
import { faultLines } from '../config/faults.ts';
import { mostAcksOf } from '../config/limits.ts';
import { loadConfig } from '../config/load.ts';
import type { LocalConfig } from '../config/local.ts';
import { ms } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import { elapsedAtLeast } from '../core/instant.ts';
import type { Self } from '../core/memory.ts';
import type { Tags } from '../core/settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Database } from '../ports/database.ts';
import type { Guard } from '../ports/guard.ts';
import type { Log } from '../ports/log.ts';
import type { Peers } from '../ports/peers.ts';
import type { Processes } from '../ports/processes.ts';
import { createOperations } from '../state/operations.ts';
import { createRank } from '../state/operation-rank.ts';
import { clusterPrefix } from '../state/paths.ts';
import { createLog, type AgentLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createRecorder } from '../telemetry/recorder.ts';
import { VERSION } from '../version.ts';
import { databaseOf, guardOf, peersOf, storeOf } from './adapters.ts';
import { createNotifier } from './notify.ts';
import { untilSignal } from './signals.ts';
import { telemetryOf } from './telemetry.ts';

/** How long a full stop (hand over, stop the database, release) may take. */
const FULL_STOP = 60_000;

/** Reads the configuration or throws with every fault; code `config-invalid`. */
export const readConfig = (path: string): LocalConfig => {
  const loaded = loadConfig(path, process.env);
  if (loaded.kind === 'ok') return loaded.value.config;
  throw new AgentError('config-invalid', `the configuration ${path} cannot be used`, {
    detail: faultLines(loaded.faults),
  });
};

/** Runs the agent until it is told to stop. Returns the exit code. */
export const runAgent = async (given: string): Promise<number> => {
  const path = resolve(given);
  const config = readConfig(path);
  // Whoever stands in the data directory counts as part of the database (see the guard).
  process.chdir('/');
  const clock = createClock();
  const log = createLog(config.telemetry);
  const processes = createProcesses({ clock });
  const closing = new AbortController();
  const stopped = untilSignal(process, closing.signal);
  const world = await prepare(config, { clock, log, processes });
  let api: Api | undefined;
  let agent: Agent | undefined;
  let guard: Guard | undefined;
  const notifier = createNotifier({ processes, clock, env: process.env, pid: process.pid });
  let unwatch = (): void => undefined;
  const reloaded = async (): Promise<void> => reload(path, config, log, (tags) => agent?.retag(tags));
  const hangup = (): void => {
    reloaded().catch((error: unknown) =>
      log.error('config.invalid', 'the configuration was not reloaded', { err: error }),
    );
  };
  process.on('uncaughtException', (error) => die(error, log));
  process.on('unhandledRejection', (error) => die(error, log));
  process.on('SIGHUP', hangup);
  try {
    api = apiOf(
      config,
      world,
      { status: () => agent?.status(), promise: (request) => agent?.promise(request) },
      reloaded,
      {
        clock,
        log,
      },
    );
    await api.listen();
    await notifier.ready();
    unwatch = notifier.watch(() => agent === undefined || loops(agent, clock));
    log.info('agent.started', `agent ${VERSION} of member ${config.member.name}, cluster ${config.cluster.name}`, {
      api: config.api.advertiseUrl,
    });
    const admitted = admit(config, world, { clock, log, processes }, closing.signal);
    if ((await Promise.race([admitted, stopped])) !== 'admitted') return 0;
    // Only now: an agent that is turned away must not leave a guard behind.
    guard = guardOf({ config, clock, log, processes }, world.database, config.bootstrap.settings.timing.fenceBudget);
    const begun = await begin(config, { ...world, guard }, { clock, log, processes });
    agent = begun;
    world.metrics.useStatus(
      () => begun.status(),
      () => clock.now(),
    );
    const how = await stopped;
    log.info('agent.stopping', how === 'full' ? 'stopping with the database' : 'stopping; database and guard go on', {
      how,
    });
    await agent.stop(how, FULL_STOP);
    return 0;
  } finally {
    closing.abort(new Error('the agent is closing'));
    process.off('SIGHUP', hangup);
    unwatch();
    await agent?.stop('leave', 0);
    await api?.close();
    await guard?.close();
    await Promise.all([world.peers.close(), world.database.close(), world.store.close()]);
  }
};

/** The loop looks at least once a second; after this long without a look it counts as hung. */
const LOOP_HUNG = 15_000;

const loops = (agent: Agent, clock: Clock): boolean => elapsedAtLeast(agent.status().madeAt, clock.now()) < LOOP_HUNG;

interface Os {
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Processes;
}

type World = Awaited<ReturnType<typeof prepare>>;

const prepare = async (config: LocalConfig, os: Os) => {
  const { stateDir, runDir } = config.member;
  // A database that runs as another user has files of its own below the state directory.
  const passable = config.database.osUser === undefined ? 0o700 : 0o711;
  await mkdir(stateDir, { recursive: true, mode: passable });
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const base = { config, ...os };
  const database = await databaseOf(base);
  refuseUnknownServer(config, database, os.processes);
  const store: ConsensusStore = storeOf(base);
  const peers: Peers = peersOf(config, database.positions);
  return { database, store, peers, metrics: createMetrics(), recorder: createRecorder({ clock: os.clock }) };
};

/**
 * The guard fences a primary that has no right to be one. A server that no agent has ever managed must not be met by it
 * unawares: the operator stops it first.
 */
const refuseUnknownServer = (config: LocalConfig, database: Database, processes: Processes): void => {
  if (existsSync(join(config.member.stateDir, 'instance'))) return;
  const { dataDir } = database.guardTarget;
  const found = processes.within(dataDir);
  if (found.length === 0) return;
  throw new AgentError('refused', `a server that no agent has managed runs in ${dataDir} (pid ${found[0]?.pid})`, {
    hint: 'stop it, then start the agent: it starts the server again, first as a replica, then as primary if the cluster has none',
  });
};

const instanceOf = (config: LocalConfig): ReturnType<typeof createInstanceFile> =>
  createInstanceFile(config.member.stateDir);

/** Waits for etcd, and for the name to be free. Throws `AgentError` with code `name-taken`. */
const admit = async (config: LocalConfig, world: World, os: Os, signal: AbortSignal): Promise<'admitted'> => {
  const { store, database, peers } = world;
  await admitName({
    ...os,
    store,
    prefix: clusterPrefix(config.cluster.prefix, config.cluster.name),
    positions: database.positions,
    peers,
    name: config.member.name,
    instance: await instanceOf(config).read(),
    apiUrl: config.api.advertiseUrl,
    signal,
  });
  return 'admitted';
};

const begin = async (config: LocalConfig, world: World & { readonly guard: Guard }, os: Os): Promise<Agent> => {
  const { member, cluster } = config;
  const hooks = createHooks({
    ...os,
    options: {
      ...config.hooks,
      environment: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        HAAGENT_CLUSTER: cluster.name,
        HAAGENT_MEMBER: member.name,
      },
    },
  });
  return startAgent({
    ...os,
    ...world,
    cluster: cluster.name,
    prefix: clusterPrefix(cluster.prefix, cluster.name),
    self: selfOf(config),
    stateDir: member.stateDir,
    instanceFile: instanceOf(config),
    promiseFile: createPromiseFile(member.stateDir),
    storeFile: createStoreFile(member.stateDir),
    hooks,
    telemetry: telemetryOf(os.log, world.metrics, world.recorder),
  });
};

const limitsOf = ({ engine }: LocalConfig): Pick<Self, 'mostAcks'> => {
  const mostAcks = mostAcksOf(engine);
  return mostAcks === undefined ? {} : { mostAcks };
};

const selfOf = (config: LocalConfig): Self => ({
  name: config.member.name,
  agent: randomUUID(),
  engine: config.engine,
  ...limitsOf(config),
  apiUrl: config.api.advertiseUrl,
  host: config.database.advertiseHost,
  port: config.database.port,
  tags: config.tags,
  version: VERSION,
  bootstrapSettings: config.bootstrap.settings,
  bootstrapDocument: config.bootstrap.document,
});

/** How long a copy may take to be sent. */
const COPY_LIMIT = ms(86_400_000);

const copiesOf = (config: LocalConfig, { donate }: Database): Pick<ApiDeps, 'copies'> =>
  donate === undefined
    ? {}
    : {
        copies: {
          cluster: config.cluster.name,
          secret: config.database.credentials.replication.password.reveal(),
          open: (signal) => donate({ signal, timeout: COPY_LIMIT }),
        },
      };

const apiOf = (
  config: LocalConfig,
  world: World,
  from: Pick<ApiDeps, 'status' | 'promise'>,
  reloaded: () => Promise<void>,
  os: Pick<Os, 'clock' | 'log'>,
): Api => {
  const { positions } = world.database;
  const prefix = clusterPrefix(config.cluster.prefix, config.cluster.name);
  const operations = createOperations({
    store: world.store,
    prefix,
    positions,
    clock: os.clock,
    rank: createRank({ peers: world.peers, positions, within: true }),
    newId: () => randomUUID().replaceAll('-', ''),
  });
  const { listen, control, tls, allowFrom, peersSecret } = config.api;
  return createApi({
    ...from,
    clock: os.clock,
    positions,
    operations,
    metricsText: async () => world.metrics.text(),
    events: world.recorder,
    peers: world.peers,
    local: { reload: reloaded },
    ...copiesOf(config, world.database),
    log: os.log.child({ part: 'api' }),
    options: {
      listen,
      allowFrom,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              cert: tls.cert,
              key: tls.key.reveal(),
              verifyClient: tls.verifyClient,
              ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            },
          }),
      ...(control === undefined
        ? {}
        : { credentials: { username: control.username, password: control.password.reveal() } }),
      ...(peersSecret === undefined ? {} : { peersSecret: peersSecret.reveal() }),
    },
  });
};

/**
 * Opens the log again and checks the file again. Tags take effect at once; everything else when the agent is restarted, which
 * does not touch the database. Throws `AgentError` with code `config-invalid`; then nothing has changed.
 */
const reload = async (path: string, before: LocalConfig, log: AgentLog, retag: (tags: Tags) => void): Promise<void> => {
  log.reopen();
  const now = readConfig(path);
  retag(now.tags);
  const rest = (config: LocalConfig): string => JSON.stringify({ ...config, tags: undefined });
  if (rest(now) === rest(before))
    log.info('config.reloaded', 'the configuration was read again; its tags are in force');
  else
    log.warn(
      'config.reloaded',
      'the configuration is valid; its tags are in force, its other changes need a restart of the agent',
    );
};

/**
 * An exception that nobody expected ends the process at once; the init system starts a new one. The database goes on by its
 * right, which the guard enforces (docs/decisions/0006).
 */
const die = (error: unknown, log: Log): void => {
  log.error('agent.crashed', 'an unexpected error ends the agent; the guard fences the database when its right ends', {
    err: error,
  });
  process.exit(70);
};
