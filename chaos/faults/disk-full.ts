import { has, type Fault } from './fault.ts';

export const diskFull: Fault = {
  sentence: (primary) => `the disk of ${primary} is full: its database cannot write its log and ends`,
  hits: 'the primary',
  needs: ['volumes'],
  primary: 'moves',
  outage: { ttls: 1, ms: 5_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, engine, primary }) => {
    const volumes = has(lab.volumes, 'disks of its own for each host');
    await volumes.fill(primary);
    await engine.useLog(lab, primary);
    return () => volumes.empty(primary);
  },
};
