import { etcdHosts } from './choosing.ts';
import { cutOff } from './cutting.ts';
import type { Fault } from './fault.ts';

export const partitionEtcd: Fault = {
  sentence: (primary) => `${primary} does not reach etcd, everybody else does`,
  hits: 'the network',
  needs: ['network'],
  primary: 'stays',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 3, ms: 0 },
  inflict: ({ lab, primary }) => cutOff(lab, primary, etcdHosts(lab)),
};
