import type { Fault } from './fault.ts';

export const etcdHang: Fault = {
  sentence: () => 'SIGSTOP of every etcd server for twice the ttl',
  hits: 'etcd',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab }) => {
    await lab.etcd.freeze();
    return async () => {
      await lab.etcd.thaw();
    };
  },
};
