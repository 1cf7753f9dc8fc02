import type { FaultKinds } from './kind.ts';

/** What goes wrong in etcd itself. */
export type StoreFault =
  | { readonly kind: 'etcd-leader' }
  | { readonly kind: 'etcd-quorum'; readonly lasts: number }
  /** It is full: `filling` executes one more write and says that it did not. */
  | { readonly kind: 'etcd-full'; readonly lasts: number; readonly how: 'filling' | 'alarm' }
  /** Renewals of leases that are gone are answered with success, and the leader's lease is gone. */
  | { readonly kind: 'lying-leases'; readonly lasts: number }
  | { readonly kind: 'delete-leader' }
  | { readonly kind: 'revoke-lease'; readonly member: string };

export const storeFaults: FaultKinds<StoreFault> = {
  'etcd-leader': {
    weight: 3,
    draw: () => ({}),
    apply: ({ etcd }) => etcd.changeLeader(),
  },
  'etcd-quorum': {
    weight: 1,
    draw: ({ lasts }) => ({ lasts: lasts() }),
    apply: ({ etcd, world }, { lasts }) => {
      etcd.setQuorum(false);
      world.at(lasts, () => etcd.setQuorum(true));
    },
  },
  'etcd-full': {
    weight: 1,
    draw: ({ lasts, pick }) => ({ lasts: lasts(), how: pick(['filling', 'alarm']) }),
    apply: ({ etcd, world }, { lasts, how }) => {
      etcd.setSpace(how);
      world.at(lasts, () => etcd.setSpace('enough'));
    },
  },
  'lying-leases': {
    weight: 2,
    draw: ({ lasts }) => ({ lasts: lasts() }),
    apply: (cluster, { lasts }) => {
      const { etcd, world } = cluster;
      etcd.setLying(true);
      const leader = etcd.view().leader?.value;
      const lease = leader === undefined ? undefined : cluster.member(leader).host.files.lease;
      if (lease !== undefined) etcd.revoke(lease);
      world.at(lasts, () => etcd.setLying(false));
    },
  },
  'delete-leader': {
    weight: 3,
    draw: () => ({}),
    apply: ({ etcd }) => void etcd.transact({ compare: [], writes: [{ kind: 'delete', key: { kind: 'leader' } }] }),
  },
  'revoke-lease': {
    weight: 3,
    draw: ({ member }) => ({ member }),
    apply: (cluster, { member }) => {
      const { lease } = cluster.member(member).host.files;
      if (lease !== undefined) cluster.etcd.revoke(lease);
    },
  },
};
