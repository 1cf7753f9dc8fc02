import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEtcdClient } from '../etcd-client.ts';
import type { LabEtcd } from '../etcd.ts';
import { readShippedConfig, renderProxyConfig } from '../haproxy.ts';
import type { LabMember, LabProxy } from '../lab.ts';
import { LAB_MARK } from '../proc.ts';
import { waitFor } from '../wait.ts';
import type { ContainerSpec, Docker } from './docker.ts';
import type { Images } from './engine.ts';
import { createContainerHost, type ContainerHost } from './host.ts';
import type { LabNetwork } from './network.ts';
import { PROXY_HOST } from './partition.ts';

/** What the containers of one lab share. */
export interface Site {
  readonly docker: Docker;
  readonly images: Images;
  readonly network: LabNetwork;
  readonly dir: string;
}

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
/** Last numbers of addresses: etcd1 is .11, the proxy .20, the first member .31. */
const ETCD_FROM = 11;
const PROXY_AT = 20;
const PROXY_PORTS = { primary: 5000, replicas: 5001, stats: 7000 } as const;

const serviceSpec = (site: Site, name: string, address: string, command: readonly string[]): ContainerSpec => {
  const dir = join(site.dir, name);
  mkdirSync(dir);
  return {
    name: `${site.network.name}-${name}`,
    hostname: name,
    image: site.images.hosts,
    command: ['tini', '--', 'sh', '-c', 'exec "$@" >>log 2>&1', 'init', ...command],
    env: { [LAB_MARK]: site.dir },
    user: 'root',
    workingDir: dir,
    shared: [dir],
    memory: [],
    network: site.network.name,
    address,
  };
};

/** etcd servers, each on a host of its own. */
export const createContainerEtcd = (
  site: Site,
  count: 1 | 3,
): { readonly etcd: LabEtcd; readonly hosts: readonly ContainerHost[] } => {
  const servers = Array.from({ length: count }, (_, index) => ({
    name: `etcd${index + 1}`,
    address: site.network.address(ETCD_FROM + index),
  }));
  const hosts = servers.map(({ name, address }) =>
    createContainerHost(
      site.docker,
      serviceSpec(site, name, address, [
        'etcd',
        `--name=${name}`,
        '--data-dir=data',
        `--listen-client-urls=http://${address}:${CLIENT_PORT}`,
        `--advertise-client-urls=http://${address}:${CLIENT_PORT}`,
        `--listen-peer-urls=http://${address}:${PEER_PORT}`,
        `--initial-advertise-peer-urls=http://${address}:${PEER_PORT}`,
        `--initial-cluster=${servers.map((server) => `${server.name}=http://${server.address}:${PEER_PORT}`).join(',')}`,
        '--log-level=warn',
      ]),
    ),
  );
  const endpoints = servers.map(({ address }) => `http://${address}:${CLIENT_PORT}`);
  const client = createEtcdClient(endpoints);
  const each = async (index: number | undefined, action: (host: ContainerHost) => Promise<void>): Promise<void> => {
    await Promise.all((index === undefined ? hosts : hosts.slice(index, index + 1)).map(action));
  };
  return {
    hosts,
    etcd: {
      endpoints,
      client,
      start: (index) => each(index, (host) => host.start()),
      ready: async ({ deadlineMs = 30_000, signal } = {}) => {
        for (const endpoint of endpoints)
          await waitFor(`etcd at ${endpoint} is healthy (log: ${site.dir})`, () => client.isHealthy(endpoint), {
            deadlineMs,
            ...(signal === undefined ? {} : { signal }),
          });
      },
      kill: (index) => each(index, (host) => host.kill()),
      freeze: (index) => each(index, (host) => host.freeze()),
      thaw: (index) => each(index, (host) => host.thaw()),
    },
  };
};

/** HAProxy on a host of its own, with the shipped configuration. */
export const createContainerProxy = (
  site: Site,
  members: readonly LabMember[],
): { readonly host: ContainerHost; readonly info: LabProxy } => {
  const address = site.network.address(PROXY_AT);
  const host = createContainerHost(
    site.docker,
    serviceSpec(site, PROXY_HOST, address, ['haproxy', '-db', '-f', 'haproxy.cfg']),
  );
  const servers = members.map(({ name, host: memberHost, port, apiUrl }) => ({
    name,
    host: memberHost,
    port,
    apiPort: Number(new URL(apiUrl).port),
  }));
  const config = renderProxyConfig(readShippedConfig(), PROXY_PORTS, servers, '');
  writeFileSync(join(site.dir, PROXY_HOST, 'haproxy.cfg'), config);
  return {
    host,
    info: {
      host: address,
      primaryPort: PROXY_PORTS.primary,
      replicaPort: PROXY_PORTS.replicas,
      statsPort: PROXY_PORTS.stats,
    },
  };
};
