import { etcdHosts, etcdLeader } from './choosing.ts';
import type { Fault } from './fault.ts';

export const etcdQuorum: Fault = {
  sentence: () => 'kill -9 of all etcd servers but one for a minute: no majority is left',
  hits: 'etcd',
  needs: ['etcd-cluster'],
  primary: 'stays',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 0, ms: 60_000 },
  inflict: async ({ lab }) => {
    const survivor = ((await etcdLeader(lab)) + 1) % etcdHosts(lab).length;
    const killed = etcdHosts(lab)
      .map((_, index) => index)
      .filter((index) => index !== survivor);
    for (const index of killed) await lab.etcd.kill(index);
    return async () => {
      for (const index of killed) await lab.etcd.start(index);
    };
  },
};
