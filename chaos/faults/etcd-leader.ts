import { etcdLeader } from './choosing.ts';
import type { Fault } from './fault.ts';

export const etcdLeaderKill: Fault = {
  sentence: () => "kill -9 of etcd's leader: the other two elect another",
  hits: 'etcd',
  needs: ['etcd-cluster'],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab }) => {
    const leader = await etcdLeader(lab);
    await lab.etcd.kill(leader);
    return async () => {
      await lab.etcd.start(leader);
    };
  },
};
