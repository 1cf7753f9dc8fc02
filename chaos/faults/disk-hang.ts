import { has, type Fault } from './fault.ts';

export const diskHang: Fault = {
  sentence: (primary) => `the disk of ${primary} hangs: its processes wait for it and cannot be killed`,
  hits: 'the primary',
  needs: ['volumes'],
  primary: 'moves',
  // A write every five seconds has five seconds to end: a disk that is merely slow costs nobody the leadership.
  outage: { ttls: 1, ms: 13_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    const volumes = has(lab.volumes, 'disks of its own for each host');
    await volumes.hang(primary);
    return () => volumes.release(primary);
  },
};
