import { createArchive, type Archive } from './archive.ts';
import type { Place } from './etcd.ts';
import type { Account } from './host.ts';
import { createHostClocks, findFaketime, type HostClocks } from './host-clock.ts';
import type { LabOptions } from './lab.ts';
import { createNetwork, whyNoNetwork, type Network } from './network.ts';
import { createVolumes, whyNoVolumes, type Volumes } from './volumes.ts';

/** What the hosts of a process lab have of their own; all undefined: they are one host, on loopback. */
export interface Hosts {
  readonly network: Network | undefined;
  readonly volumes: Volumes | undefined;
  readonly clocks: HostClocks | undefined;
  readonly archive: Archive | undefined;
  /** All addresses of the lab, as `address/bits`. */
  readonly range: string;
  /** Makes a host. */
  add(name: string): Promise<Place>;
  /** Gives a host its disk, if it is to have one. */
  mount(host: string, place: string): Promise<void>;
}

const LOOPBACK: Place = { address: '127.0.0.1', enter: [] };
const DISK_BYTES = 1024 ** 3;

const refuse = (why: string): never => {
  throw new Error(why);
};

/** Makes what was asked for, and refuses what this machine cannot do. */
export const createHosts = async (
  dir: string,
  options: Pick<LabOptions, 'network' | 'volumes' | 'clock' | 'archive'>,
  account: Account | undefined,
): Promise<Hosts> => {
  const why =
    (options.network === true ? await whyNoNetwork() : undefined) ??
    (options.volumes === true ? await whyNoVolumes() : undefined);
  if (why !== undefined) refuse(why);
  const network = options.network === true ? await createNetwork(dir) : undefined;
  const volumes = options.volumes === true ? createVolumes(dir) : undefined;
  const clocks =
    options.clock === true
      ? createHostClocks(dir, findFaketime() ?? refuse('clocks that can be stepped need the package libfaketime'))
      : undefined;
  return {
    network,
    volumes,
    clocks,
    archive: options.archive === true ? createArchive(dir, account) : undefined,
    range: network?.range ?? '127.0.0.1/32',
    add: async (name) =>
      network === undefined ? LOOPBACK : { address: await network.addHost(name), enter: network.enter(name) },
    mount: async (host, place) => volumes?.add(host, place, DISK_BYTES),
  };
};
