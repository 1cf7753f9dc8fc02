import { cutOff } from './cutting.ts';
import type { Fault } from './fault.ts';

export const partitionReplicas: Fault = {
  sentence: (primary) => `${primary} reaches etcd but no other member`,
  hits: 'the network',
  needs: ['network'],
  primary: 'stays',
  durable: { primary: 'may move', outage: { ttls: 0, ms: 2_500 } },
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 3, ms: 0 },
  inflict: ({ lab, primary, replicas }) => cutOff(lab, primary, replicas),
};
