import type { Fault } from './fault.ts';

/** Where the keys lie that fill it: none of ours. */
const FILLING = '/filling/';

export const etcdFull: Fault = {
  sentence: () => 'etcd is full (NOSPACE): leases are renewed, every write is refused',
  hits: 'etcd',
  needs: ['etcd-quota'],
  primary: 'stays',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab }) => {
    await lab.etcd.client.fill(FILLING);
    return async () => {
      // A server that has just come back cannot be asked yet.
      const made = async (): Promise<boolean> =>
        lab.etcd.client.makeRoom(FILLING).then(
          () => true,
          () => false,
        );
      await lab.waitFor('etcd has room again', made, { deadlineMs: 30_000, everyMs: 500 });
    };
  },
};
