import type { Fault } from './fault.ts';

/** Where the keys lie that fill it: none of ours. */
const FILLING = '/filling/';

export const etcdFull: Fault = {
  sentence: () => 'etcd is full (NOSPACE): leases are renewed, every write is refused',
  hits: 'etcd',
  needs: ['etcd-quota'],
  primary: 'may move',
  outage: { ttls: 3, ms: 10_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab }) => {
    await lab.etcd.client.fill(FILLING);
    return async () => {
      await lab.etcd.ready();
      await lab.etcd.client.makeRoom(FILLING);
    };
  },
};
