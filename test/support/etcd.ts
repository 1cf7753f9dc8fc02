import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { etcd35Binary } from './etcd35.ts';

/** Real etcd servers as processes on loopback, for tests. */
export interface EtcdCluster {
  readonly version: EtcdVersion;
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
  /** Kills every server and removes their data. */
  close(): Promise<void>;
}

export interface EtcdMember {
  readonly endpoint: string;
  /** Stops (SIGSTOP), continues, … Throws when the server is not running. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): void;
  /** Resolves when it serves clients; throws with its last words when it does not in time. */
  listening(timeoutMs: number): Promise<void>;
}

export type EtcdVersion = '3.4' | '3.5';

export interface EtcdOptions {
  readonly version?: EtcdVersion;
  readonly size?: 1 | 3;
  /** More arguments for every server, for example `--quota-backend-bytes=2097152`. */
  readonly args?: readonly string[];
  /** Serves clients over TLS; files in PEM form. `clientCa` asks clients for certificates. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** A host other than 127.0.0.1 in the client URLs. */
  readonly host?: string;
}

const START_TIMEOUT_MS = 20_000;

/** Starts a cluster of one server or of three and waits until it has a leader. */
export const startEtcd = async (options: EtcdOptions = {}): Promise<EtcdCluster> => {
  const { version = '3.4', size = 1, tls, host = '127.0.0.1' } = options;
  const binary = await binaryOf(version);
  const directory = await mkdtemp(join(tmpdir(), 'haagent-etcd-'));
  const ports = await freePorts(size * 2);
  const scheme = tls === undefined ? 'http' : 'https';
  const plans = Array.from({ length: size }, (_, i) => ({
    name: `m${i}`,
    client: `${scheme}://127.0.0.1:${ports[i]}`,
    endpoint: `${scheme}://${host}:${ports[i]}`,
    peer: `http://127.0.0.1:${ports[size + i]}`,
  }));
  const initial = plans.map((plan) => `${plan.name}=${plan.peer}`).join(',');
  const members = plans.map((plan) =>
    createMember(plan.endpoint, binary, [
      `--name=${plan.name}`,
      `--data-dir=${join(directory, plan.name)}`,
      `--listen-client-urls=${plan.client}`,
      `--advertise-client-urls=${plan.client}`,
      `--listen-peer-urls=${plan.peer}`,
      `--initial-advertise-peer-urls=${plan.peer}`,
      `--initial-cluster=${initial}`,
      `--initial-cluster-token=${directory}`,
      ...(tls === undefined ? [] : [`--cert-file=${tls.cert}`, `--key-file=${tls.key}`]),
      ...(tls?.clientCa === undefined ? [] : ['--client-cert-auth', `--trusted-ca-file=${tls.clientCa}`]),
      ...(options.args ?? []),
    ]),
  );
  const close = async (): Promise<void> => {
    await Promise.all(members.map(async (member) => member.kill()));
    await rm(directory, { recursive: true, force: true });
  };
  for (const member of members) member.start();
  try {
    await Promise.all(members.map(async (member) => member.listening(START_TIMEOUT_MS)));
    const leader = async (): Promise<EtcdMember> => leaderOf(members);
    if (tls === undefined) await leader();
    return { version, endpoints: plans.map((plan) => plan.endpoint), members, leader, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const binaryOf = async (version: EtcdVersion): Promise<string> => {
  if (version === '3.5') return etcd35Binary();
  const binary = '/usr/bin/etcd';
  if (!existsSync(binary)) throw new Error(`${binary} is missing: install etcd-server`);
  return binary;
};

/** Ports that were free just now. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return ports;
};

const READY = /ready to serve client requests|serving (?:insecure )?client (?:requests|traffic)/u;

const createMember = (endpoint: string, binary: string, args: readonly string[]) => {
  let child: ChildProcess | undefined;
  let output = '';
  let heard = Promise.withResolvers<void>();
  const killNow = (): void => void child?.kill('SIGKILL');
  const start = (): void => {
    heard = Promise.withResolvers<void>();
    heard.promise.catch(() => {});
    output = '';
    // etcd takes every ETCD_* variable for a setting.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('ETCD_')));
    const started = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    child = started;
    process.once('exit', killNow);
    const listen = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
      if (READY.test(output)) heard.resolve();
    };
    started.stdout.on('data', listen);
    started.stderr.on('data', listen);
    started.once('exit', () => {
      process.off('exit', killNow);
      heard.reject(new Error(`etcd at ${endpoint} ended:\n${output.slice(-2_000)}`));
    });
  };
  return {
    endpoint,
    start,
    signal: (name: 'SIGSTOP' | 'SIGCONT'): void => {
      if (child?.kill(name) !== true) throw new Error(`etcd at ${endpoint} is not running`);
    },
    kill: async (): Promise<void> => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    listening: async (timeoutMs: number): Promise<void> => {
      const stop = new AbortController();
      const late = pause(timeoutMs, undefined, { signal: stop.signal, ref: false }).then(() => {
        throw new Error(`etcd at ${endpoint} was not ready after ${timeoutMs} ms:\n${output.slice(-2_000)}`);
      });
      late.catch(() => {});
      await Promise.race([heard.promise, late]).finally(() => stop.abort());
    },
  };
};

/** Asks the members until one of them says that it leads. */
const leaderOf = async (members: readonly EtcdMember[]): Promise<EtcdMember> => {
  const until = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < until) {
    for (const member of members)
      if (await withAdmin(member.endpoint, async (admin) => leads(admin)).catch(() => false)) return member;
    await pause(50);
  }
  throw new Error(`no etcd server led within ${START_TIMEOUT_MS} ms`);
};

const leads = async (admin: Etcd3): Promise<boolean> => {
  const { header, leader } = await admin.maintenance.status({ deadline: Date.now() + 500 });
  return leader !== '0' && leader === header.member_id;
};

/** A plain client for what the store's port does not offer (compaction, alarms, users). */
export const withAdmin = async <T>(
  endpoint: string,
  run: (admin: Etcd3) => Promise<T>,
  auth?: { readonly username: string; readonly password: string },
): Promise<T> => {
  const admin = new Etcd3({ hosts: endpoint, ...(auth === undefined ? {} : { auth }) });
  try {
    return await run(admin);
  } finally {
    admin.close();
  }
};
