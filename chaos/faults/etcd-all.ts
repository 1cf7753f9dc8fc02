import type { Fault } from './fault.ts';

export const etcdAll: Fault = {
  sentence: () => 'SIGSTOP of every etcd server for a minute: nobody can prove anything',
  hits: 'etcd',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 0, ms: 60_000 },
  inflict: async ({ lab }) => {
    await lab.etcd.freeze();
    return async () => {
      await lab.etcd.thaw();
    };
  },
};
