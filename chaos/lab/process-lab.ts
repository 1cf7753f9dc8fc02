import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WRITER } from './agent-config.ts';
import { runCtl, switchoverByCtl } from './ctl.ts';
import { createEtcd } from './etcd.ts';
import { createProxy, type ProxyPorts } from './haproxy.ts';
import { createHome } from './home.ts';
import { findAccount, findPostgresBin } from './host.ts';
import type { Lab, LabMember, LabOptions, LabProxy, MemberSpec } from './lab.ts';
import { createMemberProcess, type MemberProcess } from './member.ts';
import { createPorts } from './ports.ts';
import type { Service } from './service.ts';
import { queryOnce } from './sql.ts';
import { createWatching } from './watching.ts';

/** What `fixedPorts` wishes for: the second member has the next port, and so on. */
const FIXED = { primary: 5000, replicas: 5001, stats: 7000, api: 8011, database: 5431, etcd: 2379 } as const;

const CTL_MS = 30_000;

type TakePort = (wish: keyof typeof FIXED, offset?: number) => Promise<number>;

const specsOf = (members: LabOptions['members']): readonly MemberSpec[] =>
  typeof members === 'number' ? Array.from({ length: members }, (_, index) => ({ name: `pg${index + 1}` })) : members;

/** Adds members one by one: each gets its directory, ports and configuration; the passwords are the same for all. */
const createMembers = (base: {
  readonly options: LabOptions;
  readonly dir: string;
  readonly cluster: string;
  readonly ttlMs: number;
  readonly etcdEndpoints: readonly string[];
  readonly takePort: TakePort;
}) => {
  const superuser = { user: 'postgres', password: randomBytes(12).toString('hex') };
  const common = {
    labDir: base.dir,
    restartAfterMs: base.options.restartAfterMs,
    cluster: base.cluster,
    etcdEndpoints: base.etcdEndpoints,
    binDir: findPostgresBin(),
    account: findAccount('postgres'),
    superuser,
    replicationPassword: randomBytes(12).toString('hex'),
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
      const added = createMemberProcess({ ...common, spec, apiPort, port });
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
  const servers = members.map(({ name, port, apiUrl }) => ({ name, port, apiPort: Number(new URL(apiUrl).port) }));
  return {
    service: createProxy({ dir: join(dir, 'haproxy'), labDir: dir, ports, servers }),
    info: { host: '127.0.0.1', primaryPort: ports.primary, replicaPort: ports.replicas, statsPort: ports.stats },
  };
};

const lastLines = ({ logFile }: LabMember, lines: number): string => {
  const text = readFileSync(logFile, { encoding: 'utf8', flag: 'a+' }).trimEnd();
  return `--- ${logFile}\n${text.split('\n').slice(-lines).join('\n')}`;
};

/** A cluster of processes on loopback, below one directory in /tmp. Nothing runs until `start`. */
export const createLab = async (options: LabOptions): Promise<Lab> => {
  const { cluster = 'demo', ttlMs = 3_000, fixedPorts = false } = options;
  const ports = createPorts();
  const takePort: TakePort = (wish, offset = 0) => ports.take(fixedPorts ? FIXED[wish] + offset : undefined);
  const home = await createHome();
  const { dir } = home;
  const etcd = await createEtcd({
    count: options.etcd ?? 1,
    dir,
    takePort: (offset) => takePort('etcd', offset),
  });
  const members = createMembers({ options, dir, cluster, ttlMs, etcdEndpoints: etcd.endpoints, takePort });
  for (const spec of specsOf(options.members)) await members.add(spec);
  const infos = (): readonly LabMember[] => members.all().map(({ info }) => info);
  const proxy = options.haproxy === false ? undefined : await createLabProxy(dir, infos(), takePort);

  const ended = new AbortController();
  const logTail = (lines = 15): string =>
    infos()
      .map((member) => lastLines(member, lines))
      .join('\n');
  const watching = createWatching({ members: infos, logTail, signal: ended.signal });
  const query: Lab['query'] = (name, sql) => {
    const { host, port } = members.of(name).info;
    return queryOnce({ host, port, ...members.superuser }, sql);
  };

  const ctl: Lab['ctl'] = (args, { deadlineMs = CTL_MS } = {}) => {
    const config = infos().flatMap(({ configFile }) => ['--config', configFile]);
    return runCtl([...config.slice(0, 2), ...args], deadlineMs);
  };

  return {
    ...watching,
    system: 'haagent',
    capabilities: new Set(),
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
    cut: () => Promise.reject(new Error('hosts of a process lab share loopback: it cannot cut them off')),
    heal: () => Promise.resolve(),
    switchover: () => switchoverByCtl(ctl),
    prepareWriter: async (primary) => {
      const [found] = await query(primary, `SELECT FROM pg_roles WHERE rolname = '${WRITER}'`);
      if (found !== undefined) return;
      await query(primary, `CREATE ROLE ${WRITER} LOGIN; GRANT CREATE ON SCHEMA public TO ${WRITER}`);
    },
    ctl,
  };
};
