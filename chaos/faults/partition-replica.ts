import { cutOff } from './cutting.ts';
import { etcdHosts, firstReplica } from './choosing.ts';
import type { Fault } from './fault.ts';

export const partitionReplica: Fault = {
  sentence: () => 'one replica reaches neither etcd nor any member',
  hits: 'a replica',
  needs: ['network'],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 3, ms: 0 },
  inflict: (scene) => {
    const { lab } = scene;
    const cut = firstReplica(scene);
    return cutOff(lab, cut, [...etcdHosts(lab), ...lab.members.map(({ name }) => name).filter((name) => name !== cut)]);
  },
};
