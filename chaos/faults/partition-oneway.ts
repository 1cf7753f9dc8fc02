import { etcdHosts } from './choosing.ts';
import type { Fault } from './fault.ts';

export const partitionOneway: Fault = {
  sentence: (primary) => `what ${primary} sends to etcd and to the members is lost, although it hears them`,
  hits: 'the network',
  needs: ['network'],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  durable: { outage: { ttls: 0, ms: 2_500 } },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary, replicas }) => {
    await lab.cut([primary], [...etcdHosts(lab), ...replicas]);
    return () => lab.heal();
  },
};
