import { etcdHosts } from './choosing.ts';
import type { Fault } from './fault.ts';

export const partitionDeaf: Fault = {
  sentence: (primary) => `what etcd and the members send to ${primary} is lost, although they hear it`,
  hits: 'the network',
  needs: ['network'],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  durable: { outage: { ttls: 0, ms: 2_500 } },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary, replicas }) => {
    await lab.cut([...etcdHosts(lab), ...replicas], [primary]);
    return () => lab.heal();
  },
};
