import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createEtcdClient, type EtcdClient } from './etcd-client.ts';
import { signalProc } from './proc.ts';
import { createService, type Service } from './service.ts';
import { waitFor } from './wait.ts';

/** The etcd servers of a lab, by index from 0. Without an index, all of them. */
export interface LabEtcd {
  readonly endpoints: readonly string[];
  readonly client: EtcdClient;
  /** The most that it may store, where that is little enough to be filled. */
  readonly quotaBytes?: number;
  start(index?: number): Promise<void>;
  /** Returns when every server says that it is healthy. */
  ready(options?: { readonly deadlineMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** kill -9: its data stays. */
  kill(index?: number): Promise<void>;
  /** Holds the processes; connections stay open and silent. */
  freeze(index?: number): Promise<void>;
  thaw(index?: number): Promise<void>;
}

/** As an init system would: one that ended by itself is started again. */
const RESTART_MS = 1_000;

/** Where a server runs. */
export interface Place {
  readonly address: string;
  /** The command that runs another command there. */
  readonly enter: readonly string[];
}

/** The servers as processes: who ends the lab must see to it that none is started again. */
export interface EtcdProcesses extends LabEtcd {
  abandon(): void;
}

/** Prepares `count` etcd servers below `dir`, ready to start. */
export const createEtcd = async (options: {
  readonly count: 1 | 3;
  readonly dir: string;
  /** Called with 0, 1, 2 … */
  readonly takePort: (offset: number) => Promise<number>;
  /** Makes the host of a server, whose files will lie in `dir`: its address, and the command that runs others on it. */
  readonly place: (name: string, dir: string) => Promise<Place>;
  readonly quotaBytes?: number;
}): Promise<EtcdProcesses> => {
  const servers: {
    readonly name: string;
    readonly client: string;
    readonly peer: string;
    readonly dir: string;
    readonly place: Place;
  }[] = [];
  for (let index = 0; index < options.count; index += 1) {
    const name = `etcd${index + 1}`;
    const dir = join(options.dir, name);
    mkdirSync(dir, { recursive: true });
    const place = await options.place(name, dir);
    servers.push({
      name,
      dir,
      place,
      client: `http://${place.address}:${await options.takePort(2 * index)}`,
      peer: `http://${place.address}:${await options.takePort(2 * index + 1)}`,
    });
  }
  const services: readonly Service[] = servers.map((server) =>
    createService({
      enter: server.place.enter,
      file: 'etcd',
      args: [
        `--name=${server.name}`,
        `--data-dir=${join(server.dir, 'data')}`,
        `--listen-client-urls=${server.client}`,
        `--advertise-client-urls=${server.client}`,
        `--listen-peer-urls=${server.peer}`,
        `--initial-advertise-peer-urls=${server.peer}`,
        `--initial-cluster=${servers.map(({ name, peer }) => `${name}=${peer}`).join(',')}`,
        '--log-level=warn',
        ...(options.quotaBytes === undefined ? [] : [`--quota-backend-bytes=${options.quotaBytes}`]),
      ],
      // etcd 3.4 wants to be asked twice on any other processor than amd64
      env: process.arch === 'x64' ? {} : { ETCD_UNSUPPORTED_ARCH: process.arch },
      cwd: server.dir,
      output: join(server.dir, 'log'),
      labDir: options.dir,
      restartAfterMs: RESTART_MS,
    }),
  );
  const endpoints = servers.map((server) => server.client);
  const client = createEtcdClient(endpoints);
  const chosen = (index: number | undefined): readonly Service[] =>
    index === undefined ? services : services.slice(index, index + 1);
  const signalAll = (index: number | undefined, signal: NodeJS.Signals): Promise<void> => {
    for (const service of chosen(index)) {
      const running = service.process();
      if (running !== undefined) signalProc(running, signal);
    }
    return Promise.resolve();
  };
  return {
    endpoints,
    client,
    ...(options.quotaBytes === undefined ? {} : { quotaBytes: options.quotaBytes }),
    start: (index) => {
      for (const service of chosen(index)) service.start();
      return Promise.resolve();
    },
    ready: async ({ deadlineMs = 20_000, signal } = {}) => {
      for (const endpoint of endpoints)
        await waitFor(`etcd at ${endpoint} is healthy (log: ${options.dir})`, () => client.isHealthy(endpoint), {
          deadlineMs,
          ...(signal === undefined ? {} : { signal }),
        });
    },
    abandon: () => {
      for (const service of services) service.abandon();
    },
    kill: async (index) => {
      await Promise.all(chosen(index).map((service) => service.stop({ signal: 'SIGKILL' })));
    },
    freeze: (index) => signalAll(index, 'SIGSTOP'),
    thaw: (index) => signalAll(index, 'SIGCONT'),
  };
};
