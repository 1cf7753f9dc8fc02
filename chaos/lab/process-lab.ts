import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { runCtl, switchoverByCtl } from './ctl.ts';
import { createEtcd } from './etcd.ts';
import { createProxy, type ProxyPorts } from './haproxy.ts';
import { createHome } from './home.ts';
import { createHosts, type Hosts } from './hosts.ts';
import {
  specsOf,
  type Capability,
  type Lab,
  type LabMember,
  type LabOptions,
  type LabProxy,
  type MemberSpec,
} from './lab.ts';
import { logTails } from './logs.ts';
import { createMemberProcess, type MemberProcess } from './member.ts';
import { createPorts } from './ports.ts';
import { WRITER, type LabServer } from './server.ts';
import { labServer } from './servers.ts';
import type { Service } from './service.ts';
import { createWatching } from './watching.ts';

/** What `fixedPorts` wishes for: the second member has the next port, and so on. */
const FIXED = { primary: 5000, replicas: 5001, stats: 7000, api: 8011, database: 5431, etcd: 2379 } as const;

const CTL_MS = 30_000;

type TakePort = (wish: keyof typeof FIXED, offset?: number) => Promise<number>;

/** Adds members one by one: each gets its directory, ports and configuration; the passwords are the same for all. */
const createMembers = (base: {
  readonly options: LabOptions;
  readonly dir: string;
  readonly cluster: string;
  readonly ttlMs: number;
  readonly etcdEndpoints: readonly string[];
  readonly takePort: TakePort;
  readonly hosts: Hosts;
  readonly server: LabServer;
}) => {
  const { hosts } = base;
  const superuser = { user: base.server.superuser, password: randomBytes(12).toString('hex') };
  const common = {
    labDir: base.dir,
    restartAfterMs: base.options.restartAfterMs,
    cluster: base.cluster,
    etcdEndpoints: base.etcdEndpoints,
    server: base.server,
    account: base.server.account,
    range: hosts.range,
    shared: hosts.network === undefined,
    archiveCommand: hosts.archive?.command,
    superuser,
    replicationPassword: randomBytes(12).toString('hex'),
    peersSecret: randomBytes(24).toString('hex'),
    settings: { ...base.options.settings, ttl: `${base.ttlMs}ms` },
  };
  const members = new Map<string, MemberProcess>();
  return {
    superuser,
    all: (): readonly MemberProcess[] => [...members.values()],
    of: (name: string): MemberProcess => {
      const found = members.get(name);
      if (found === undefined)
        throw new Error(`the lab has no member "${name}", only ${[...members.keys()].join(', ')}`);
      return found;
    },
    add: async (spec: MemberSpec): Promise<LabMember> => {
      const apiPort = await base.takePort('api', members.size);
      const port = await base.takePort('database', members.size);
      const { address, enter } = await hosts.add(spec.name);
      const added = await createMemberProcess({
        ...common,
        spec,
        host: address,
        enter,
        apiPort,
        port,
        env: hosts.clocks?.env(spec.name) ?? {},
        mount: (place) => hosts.mount(spec.name, place),
      });
      members.set(spec.name, added);
      return added.info;
    },
  };
};

const createLabProxy = async (
  dir: string,
  members: readonly LabMember[],
  takePort: TakePort,
): Promise<{ readonly service: Service; readonly info: LabProxy }> => {
  const ports: ProxyPorts = {
    primary: await takePort('primary'),
    replicas: await takePort('replicas'),
    stats: await takePort('stats'),
  };
  const servers = members.map(({ name, host, port, apiUrl }) => ({
    name,
    host,
    port,
    apiPort: Number(new URL(apiUrl).port),
  }));
  return {
    service: createProxy({ dir: join(dir, 'haproxy'), labDir: dir, ports, servers }),
    info: { host: '127.0.0.1', primaryPort: ports.primary, replicaPort: ports.replicas, statsPort: ports.stats },
  };
};

const capabilitiesOf = ({
  network,
  volumes,
  clocks,
  archive,
}: Hosts): Pick<Lab, 'capabilities' | 'volumes' | 'clock' | 'archive'> => {
  const found: Readonly<Record<Capability, unknown>> = { network, volumes, clock: clocks };
  const names: readonly Capability[] = ['network', 'volumes', 'clock'];
  return {
    capabilities: new Set(names.filter((name) => found[name] !== undefined)),
    ...(volumes === undefined ? {} : { volumes }),
    ...(clocks === undefined ? {} : { clock: clocks }),
    ...(archive === undefined ? {} : { archive }),
  };
};

/** A cluster of processes on loopback, or on hosts of its own, below one directory in /tmp. Nothing runs until `start`. */
export const createLab = async (options: LabOptions): Promise<Lab> => {
  const { cluster = 'demo', ttlMs = 3_000, fixedPorts = false } = options;
  const server = labServer(options.engine);
  const ports = createPorts();
  const takePort: TakePort = (wish, offset = 0) => ports.take(fixedPorts ? FIXED[wish] + offset : undefined);
  const home = await createHome();
  const { dir } = home;
  const hosts = await createHosts(dir, options, server.account);
  const etcd = await createEtcd({
    count: options.etcd ?? 1,
    dir,
    takePort: (offset) => takePort('etcd', offset),
    place: async (name, place) => {
      const made = await hosts.add(name);
      await hosts.mount(name, place);
      return made;
    },
    ...(options.etcdQuotaBytes === undefined ? {} : { quotaBytes: options.etcdQuotaBytes }),
  });
  const members = createMembers({
    options,
    dir,
    cluster,
    ttlMs,
    etcdEndpoints: etcd.endpoints,
    takePort,
    hosts,
    server,
  });
  for (const spec of specsOf(options.members, server.prefix)) await members.add(spec);
  const infos = (): readonly LabMember[] => members.all().map(({ info }) => info);
  const proxy = options.haproxy === false ? undefined : await createLabProxy(dir, infos(), takePort);

  const ended = new AbortController();
  const logTail = (lines = 15): string => logTails(infos(), lines);
  const watching = createWatching({ members: infos, logTail, signal: ended.signal });
  const query: Lab['query'] = (name, sql) => server.query(members.of(name).info, members.superuser.password, sql);

  const ctl: Lab['ctl'] = (args, { deadlineMs = CTL_MS } = {}) => {
    const config = infos().flatMap(({ configFile }) => ['--config', configFile]);
    return runCtl([...config.slice(0, 2), ...args], deadlineMs);
  };

  return {
    ...watching,
    system: 'haagent',
    ...capabilitiesOf(hosts),
    dir,
    cluster,
    ttlMs,
    etcd,
    query,
    logTail,
    superuser: members.superuser,
    writer: { user: WRITER },
    proxy: proxy?.info,
    get members() {
      return infos();
    },
    member: (name) => members.of(name).info,
    addMember: members.add,
    start: async () => {
      await etcd.start();
      await etcd.ready({ signal: ended.signal });
      ended.signal.throwIfAborted();
      proxy?.service.start();
      for (const { agent } of members.all()) agent.start();
    },
    stop: async ({ keep = false } = {}) => {
      ended.abort(new Error('the lab was stopped'));
      proxy?.service.abandon();
      etcd.abandon();
      for (const { agent } of members.all()) agent.abandon();
      await home.release({ keep });
    },
    startMember: (name) => {
      ended.signal.throwIfAborted();
      members.of(name).agent.start();
      return Promise.resolve();
    },
    stopAgent: (name) => members.of(name).agent.stop(),
    processes: (name, part) => members.of(name).processes(part),
    kill: (name, part, signal = 'SIGKILL') => members.of(name).kill(part, signal),
    freeze: async (name, part) => members.of(name).signal(part, 'SIGSTOP'),
    thaw: async (name, part) => members.of(name).signal(part, 'SIGCONT'),
    cut: (from, to) =>
      hosts.network?.cut(from, to) ??
      Promise.reject(new Error('the hosts of this lab share loopback: they cannot be cut off from each other')),
    heal: () => hosts.network?.heal() ?? Promise.resolve(),
    switchover: () => switchoverByCtl(ctl),
    prepareWriter: (primary) => server.prepareWriter((sql) => query(primary, sql)),
    ctl,
  };
};
