import type { Lab } from '../lab/lab.ts';
import type { Scene } from './fault.ts';

/** The replica that a fault is done to. */
export const firstReplica = ({ replicas }: Scene): string => {
  const [first] = replicas;
  if (first === undefined) throw new Error('this fault is done to a replica, and the cluster has none');
  return first;
};

/** The names of the hosts that etcd runs on. */
export const etcdHosts = (lab: Lab): readonly string[] => lab.etcd.endpoints.map((_, index) => `etcd${index + 1}`);

/** The index of the etcd server that leads just now. */
export const etcdLeader = (lab: Lab): Promise<number> =>
  lab.waitFor('etcd has a leader', () => lab.etcd.client.leader(), { deadlineMs: 10_000 });
