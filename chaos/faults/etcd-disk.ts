import { etcdHosts, etcdLeader } from './choosing.ts';
import { has, type Fault } from './fault.ts';

export const etcdDisk: Fault = {
  sentence: () => "the disk of etcd's leader hangs: it answers keep-alives while the others have elected another",
  hits: 'etcd',
  needs: ['etcd-cluster', 'volumes'],
  primary: 'may move',
  outage: { ttls: 1, ms: 3_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 3, ms: 5_000 },
  inflict: async ({ lab }) => {
    const volumes = has(lab.volumes, 'disks of its own for each host');
    const host = etcdHosts(lab)[await etcdLeader(lab)];
    if (host === undefined) throw new Error('etcd names a leader that the lab does not know');
    await volumes.hang(host);
    return () => volumes.release(host);
  },
};
