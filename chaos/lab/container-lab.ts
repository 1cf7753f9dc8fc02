import { basename } from 'node:path';
import { randomBytes } from 'node:crypto';
import { WRITER } from './server.ts';
import { createDocker } from './containers/docker.ts';
import { borrowEngine, buildImages, type Images } from './containers/engine.ts';
import { noteEngine, sweepContainers } from './containers/leftovers.ts';
import {
  createContainerMember,
  type AgentProgram,
  type ContainerMember,
  type MemberPaths,
} from './containers/member.ts';
import { createNetwork } from './containers/network.ts';
import { createPartition } from './containers/partition.ts';
import { haagentProgram, patroniProgram, type PatroniSettings, type ProgramInput } from './containers/programs.ts';
import { createContainerEtcd, createContainerProxy, type Site } from './containers/services.ts';
import { runCtl, switchoverByCtl } from './ctl.ts';
import { createHome } from './home.ts';
import { specsOf, type Lab, type LabMember, type LabOptions, type MemberSpec, type System } from './lab.ts';
import { logTails } from './logs.ts';
import { queryOnce } from './sql.ts';
import { createWatching } from './watching.ts';

const CTL_MS = 30_000;
const PEER_SWITCHOVER_MS = 60_000;
const FIRST_MEMBER_AT = 31;
/** As the shipped service does. */
const RESTART_AFTER_MS = 100;

/** A container lab's options; `fixedPorts` has no meaning: every host has its own address and the usual ports. */
export interface ContainerLabOptions extends Omit<LabOptions, 'engine' | 'fixedPorts'> {
  /** What runs in it; undefined: what the files of this project make just now. */
  readonly images?: Images;
}

/** What the peer is told instead of our settings. */
export interface PeerLabOptions extends Omit<ContainerLabOptions, 'settings' | 'ttlMs'> {
  readonly settings: PatroniSettings;
}

interface Peculiar {
  readonly system: System;
  readonly ttlMs: number;
  readonly program: (input: ProgramInput) => (paths: MemberPaths) => AgentProgram;
}

/** The part of both labs that does not depend on which agent runs in them. */
const createHosts = async (options: ContainerLabOptions, peculiar: Peculiar): Promise<Lab> => {
  const { cluster = 'demo' } = options;
  if (process.getuid?.() !== 0 || process.platform !== 'linux')
    throw new Error('the container lab needs Linux and root: it reaches into the namespaces of its containers');
  const engine = await borrowEngine();
  const home = await createHome().catch((error: unknown) => {
    engine.release();
    throw error;
  });
  const { dir } = home;
  const release = async (keep: boolean): Promise<void> => {
    await home.release({ keep }).finally(engine.release);
  };
  try {
    noteEngine(dir, engine.socket);
    const docker = createDocker(engine.socket, dir);
    await sweepContainers(docker);
    const images = options.images ?? (await buildImages(engine));
    const network = await createNetwork(docker, basename(dir));
    const site: Site = { docker, images, network, dir };
    const { etcd, hosts: etcdHosts } = createContainerEtcd(site, options.etcd ?? 1);

    const superuser = { user: 'postgres', password: randomBytes(12).toString('hex') };
    const common = {
      images,
      cluster,
      etcdEndpoints: etcd.endpoints,
      range: network.subnet,
      superuser,
      replicationPassword: randomBytes(12).toString('hex'),
      peersSecret: randomBytes(24).toString('hex'),
    };
    const members = new Map<string, ContainerMember>();
    const add = (spec: MemberSpec): LabMember => {
      const host = network.address(FIRST_MEMBER_AT + members.size);
      const member = createContainerMember({
        docker,
        images,
        labDir: dir,
        name: spec.name,
        containerName: `${network.name}-${spec.name}`,
        network: network.name,
        address: host,
        restartAfterMs: 'restartAfterMs' in options ? options.restartAfterMs : RESTART_AFTER_MS,
        program: peculiar.program({ ...common, spec, host }),
      });
      members.set(spec.name, member);
      return member.info;
    };
    for (const spec of specsOf(options.members, 'pg')) add(spec);
    const infos = (): readonly LabMember[] => [...members.values()].map(({ info }) => info);
    const of = (name: string): ContainerMember => {
      const found = members.get(name);
      if (found === undefined)
        throw new Error(`the lab has no member "${name}", only ${[...members.keys()].join(', ')}`);
      return found;
    };
    const proxy = options.haproxy === false ? undefined : createContainerProxy(site, infos());
    const partition = createPartition(
      () => [
        ...[...members.values()].map(({ host }) => host),
        ...etcdHosts,
        ...(proxy === undefined ? [] : [proxy.host]),
      ],
      network.writers,
    );

    const ended = new AbortController();
    const logTail = (lines = 15): string => logTails(infos(), lines);
    const watching = createWatching({ members: infos, logTail, signal: ended.signal });
    const query: Lab['query'] = (name, sql) => {
      const { host, port } = of(name).info;
      return queryOnce({ host, port, ...superuser }, sql);
    };
    // Through etcd: the members' configuration files name programs that only their containers have.
    const ctl: Lab['ctl'] = (args, { deadlineMs = CTL_MS } = {}) =>
      peculiar.system === 'haagent'
        ? runCtl(['--etcd', etcd.endpoints.join(','), '--cluster', cluster, ...args], deadlineMs)
        : Promise.reject(new Error('this lab has no agent that haagentctl could ask'));
    /** As patronictl does: asks the leader's API, which answers when it is done. */
    const switchoverPeer = async (): Promise<void> => {
      const leader = await watching.leader();
      if (leader === undefined) throw new Error('no member leads: there is nobody to hand over');
      const response = await fetch(`${of(leader).info.apiUrl}/switchover`, {
        method: 'POST',
        body: JSON.stringify({ leader }),
        signal: AbortSignal.timeout(PEER_SWITCHOVER_MS),
      });
      const said = await response.text();
      if (!response.ok) throw new Error(`the switchover of ${leader} was answered with ${response.status}: ${said}`);
    };

    return {
      ...watching,
      system: peculiar.system,
      capabilities: new Set(['network']),
      dir,
      cluster,
      ttlMs: peculiar.ttlMs,
      etcd,
      query,
      logTail,
      superuser,
      writer: { user: WRITER },
      proxy: proxy?.info,
      get members() {
        return infos();
      },
      member: (name) => of(name).info,
      addMember: (spec) => Promise.resolve(add(spec)),
      start: async () => {
        await etcd.start();
        await etcd.ready({ signal: ended.signal });
        ended.signal.throwIfAborted();
        await proxy?.host.start();
        await Promise.all([...members.values()].map((member) => member.start()));
      },
      stop: async ({ keep = false } = {}) => {
        ended.abort(new Error('the lab was stopped'));
        await release(keep);
      },
      startMember: async (name) => {
        ended.signal.throwIfAborted();
        await of(name).start();
      },
      stopAgent: (name) => of(name).stopAgent(),
      processes: (name, part) => of(name).processes(part),
      kill: (name, part, signal = 'SIGKILL') => of(name).kill(part, signal),
      freeze: (name, part) => of(name).signal(part, 'SIGSTOP'),
      thaw: (name, part) => of(name).signal(part, 'SIGCONT'),
      cut: partition.cut,
      heal: partition.heal,
      switchover: () => (peculiar.system === 'haagent' ? switchoverByCtl(ctl) : switchoverPeer()),
      prepareWriter: async (primary) => {
        const [found] = await query(primary, `SELECT FROM pg_roles WHERE rolname = '${WRITER}'`);
        if (found !== undefined) return;
        await query(primary, `CREATE ROLE ${WRITER} LOGIN; GRANT CREATE ON SCHEMA public TO ${WRITER}`);
      },
      ctl,
    };
  } catch (error) {
    await release(false);
    throw error;
  }
};

/** A cluster of haagent, every member, etcd server and HAProxy in a container of its own. Nothing runs until `start`. */
export const createContainerLab = (options: ContainerLabOptions): Promise<Lab> => {
  const ttlMs = options.ttlMs ?? 3_000;
  const settings = { ...options.settings, ttl: `${ttlMs}ms` };
  return createHosts(options, {
    system: 'haagent',
    ttlMs,
    program: (input) => haagentProgram({ ...input, settings }),
  });
};

/** The same hosts with Patroni as the agent of each member. */
export const createPeerLab = (options: PeerLabOptions): Promise<Lab> => {
  const { settings, ...rest } = options;
  return createHosts(rest, {
    system: 'patroni',
    ttlMs: settings.ttl * 1_000,
    program: (input) => patroniProgram({ ...input, settings }),
  });
};
