import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { WRITER } from './agent-config.ts';
import { createEtcd } from './etcd.ts';
import { createProxy } from './haproxy.ts';
import { createHome } from './home.ts';
import type { CtlResult, Lab, LabMember, LabOptions, MemberSpec, MemberView } from './lab.ts';
import { createMemberProcess, type MemberProcess } from './member.ts';
import { findAccount, findPostgresBin } from './host.ts';
import { createPorts } from './ports.ts';
import { readView } from './view.ts';
import { waitFor } from './wait.ts';

const CTL = fileURLToPath(new URL('../../dist/bin/haagentctl.js', import.meta.url));
const FIXED = { primary: 5000, replicas: 5001, stats: 7000, api: 8011, database: 5431, etcd: 2379 } as const;

/** Only a replica of the primary's own generation counts: one that has yet to be rewound may stream for a moment. */
const streamsFrom = (view: MemberView, primary: MemberView): boolean =>
  view.role === 'replica' && view.state === 'streaming' && view.timeline === primary.timeline;

/** A cluster of processes on loopback, below one directory in /tmp. Nothing runs until `start`. */
export const createLab = async (options: LabOptions): Promise<Lab> => {
  const specs: readonly MemberSpec[] =
    typeof options.members === 'number'
      ? Array.from({ length: options.members }, (_, index) => ({ name: `pg${index + 1}` }))
      : options.members;
  const { cluster = 'demo', ttlMs = 3_000 } = options;
  const superuser = { user: 'postgres', password: randomBytes(12).toString('hex') };
  const replicationPassword = randomBytes(12).toString('hex');
  const binDir = findPostgresBin();
  const account = findAccount('postgres');
  const ports = createPorts();
  const wish = (port: number): number | undefined => (options.fixedPorts === true ? port : undefined);
  const home = await createHome();
  const ended = new AbortController();
  const processes = new Map<string, MemberProcess>();

  const etcd = await createEtcd({
    count: options.etcd ?? 1,
    dir: home.dir,
    labDir: home.dir,
    takePort: ports.take,
    ...(options.fixedPorts === true ? { wish: FIXED.etcd } : {}),
  });

  const addMember = async (spec: MemberSpec): Promise<LabMember> => {
    const index = processes.size;
    const added = createMemberProcess({
      spec,
      labDir: home.dir,
      restartAfterMs: options.restartAfterMs,
      cluster,
      etcdEndpoints: etcd.endpoints,
      apiPort: await ports.take(wish(FIXED.api + index)),
      port: await ports.take(wish(FIXED.database + index)),
      binDir,
      account,
      superuser,
      replicationPassword,
      settings: { ...options.settings, ttl: `${ttlMs}ms` },
    });
    processes.set(spec.name, added);
    return added.info;
  };
  for (const spec of specs) await addMember(spec);

  const proxyPorts = {
    primary: await ports.take(wish(FIXED.primary)),
    replicas: await ports.take(wish(FIXED.replicas)),
    stats: await ports.take(wish(FIXED.stats)),
  };
  const proxy =
    options.haproxy === false
      ? undefined
      : createProxy({
          dir: `${home.dir}/haproxy`,
          labDir: home.dir,
          ports: proxyPorts,
          servers: [...processes.values()].map(({ info }) => ({
            name: info.name,
            port: info.port,
            apiPort: Number(new URL(info.apiUrl).port),
          })),
        });

  const processOf = (name: string): MemberProcess => {
    const found = processes.get(name);
    if (found === undefined)
      throw new Error(`the lab has no member "${name}", only ${[...processes.keys()].join(', ')}`);
    return found;
  };

  const get: Lab['get'] = async (name, path) => {
    try {
      const response = await fetch(`${processOf(name).info.apiUrl}${path}`, { signal: AbortSignal.timeout(500) });
      return { status: response.status, body: await response.text() };
    } catch {
      return undefined;
    }
  };

  const observe = (): Promise<readonly MemberView[]> =>
    Promise.all([...processes.values()].map((member) => readView(member, get)));

  const logTail = (lines = 15): string =>
    [...processes.values()]
      .map(({ info }) => {
        const text = readFileSync(info.logFile, { encoding: 'utf8', flag: 'a+' }).trimEnd();
        return `--- ${info.logFile}\n${text.split('\n').slice(-lines).join('\n')}`;
      })
      .join('\n');

  const describe = async (): Promise<string> =>
    `${(await observe()).map((view) => JSON.stringify(view)).join('\n')}\n${logTail()}`;

  const wait: Lab['waitFor'] = (what, probe, waiting) =>
    waitFor(what, probe, { ...waiting, describe, signal: ended.signal });

  const leader = async (): Promise<string | undefined> => {
    const open = (await observe()).filter((view) => view.open);
    return open.length === 1 ? open[0]?.name : undefined;
  };

  const query: Lab['query'] = async (name, sql) => {
    const { host, port } = processOf(name).info;
    const client = new Client({
      host,
      port,
      ...superuser,
      database: 'postgres',
      application_name: 'chaos-lab',
      connectionTimeoutMillis: 2_000,
      query_timeout: 5_000,
    });
    client.on('error', () => undefined); // the query's own rejection tells
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      client.connection.stream.destroy();
    }
  };

  const lab: Lab = {
    dir: home.dir,
    cluster,
    ttlMs,
    superuser,
    writer: { user: WRITER },
    etcd,
    addMember,
    observe,
    leader,
    get,
    query,
    logTail,
    get members() {
      return [...processes.values()].map(({ info }) => info);
    },
    proxy:
      proxy === undefined
        ? undefined
        : {
            host: '127.0.0.1',
            primaryPort: proxyPorts.primary,
            replicaPort: proxyPorts.replicas,
            statsPort: proxyPorts.stats,
          },
    member: (name) => processOf(name).info,
    start: async () => {
      etcd.start();
      await etcd.ready({ signal: ended.signal });
      ended.signal.throwIfAborted();
      proxy?.start();
      for (const { agent } of processes.values()) agent.start();
    },
    stop: async ({ keep = false } = {}) => {
      ended.abort(new Error('the lab was stopped'));
      proxy?.abandon();
      for (const { agent } of processes.values()) agent.abandon();
      await home.release({ keep });
    },
    startMember: (name) => {
      ended.signal.throwIfAborted();
      processOf(name).agent.start();
    },
    stopAgent: (name) => processOf(name).agent.stop(),
    waitFor: wait,
    waitForLeader: ({ not, ...waiting }) =>
      wait(
        not === undefined ? 'a member is open as the primary' : `another member than ${not} is open as the primary`,
        async () => {
          const name = await leader();
          return name === not ? undefined : name;
        },
        waiting,
      ),
    waitForHealthy: ({ members, ...waiting }) =>
      wait(
        'one member is the primary and every other streams from it',
        async () => {
          const views = (await observe()).filter(({ name }) => members?.includes(name) ?? true);
          const open = views.filter((view) => view.open);
          const rest = views.filter((view) => !view.open);
          const healthy =
            open.length === 1 && rest.every(({ role, state }) => role === 'replica' && state === 'streaming');
          return healthy ? open[0]?.name : undefined;
        },
        waiting,
      ),
    prepareWriter: async (primary) => {
      const [found] = await query(primary, `SELECT FROM pg_roles WHERE rolname = '${WRITER}'`);
      if (found !== undefined) return;
      await query(primary, `CREATE ROLE ${WRITER} LOGIN; GRANT CREATE ON SCHEMA public TO ${WRITER}`);
    },
    processes: (name, part) => processOf(name).processes(part),
    kill: (name, part, signal = 'SIGKILL') => processOf(name).kill(part, signal),
    freeze: (name, part) => processOf(name).signal(part, 'SIGSTOP'),
    thaw: (name, part) => processOf(name).signal(part, 'SIGCONT'),
    ctl: (args, { deadlineMs = 30_000 } = {}) => {
      const [anyMember] = processes.values();
      const config = anyMember === undefined ? [] : ['--config', anyMember.info.configFile];
      return new Promise<CtlResult>((resolve) => {
        execFile(
          process.execPath,
          [CTL, ...config, ...args],
          { timeout: deadlineMs, killSignal: 'SIGKILL', env: process.env },
          (error, stdout, stderr) => {
            const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
            resolve({ code, stdout, stderr });
          },
        );
      });
    },
  };
  return lab;
};
