import { etcdHosts } from './choosing.ts';
import { cutOff } from './cutting.ts';
import type { Fault } from './fault.ts';

export const partition: Fault = {
  sentence: (primary) => `${primary} reaches neither etcd nor any member; clients still reach it`,
  hits: 'the network',
  needs: ['network'],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  durable: { outage: { ttls: 0, ms: 2_000 } },
  toleratedOverlapMs: 0,
  inflict: ({ lab, primary, replicas }) => cutOff(lab, primary, [...etcdHosts(lab), ...replicas]),
};
