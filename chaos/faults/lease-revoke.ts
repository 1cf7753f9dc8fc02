import { nothingToUndo, type Fault } from './fault.ts';

export const leaseRevoke: Fault = {
  sentence: () => "somebody revokes the lease of the leader key in etcd: the key is gone, its holder's right is not",
  hits: 'etcd',
  needs: [],
  primary: 'may move',
  outage: { ttls: 1, ms: 1_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab }) => {
    await lab.etcd.client.revokeLeaseOf(`/haagent/${lab.cluster}/leader`);
    return nothingToUndo;
  },
};
