import { firstReplica } from './choosing.ts';
import type { Fault } from './fault.ts';

export const duringClone: Fault = {
  sentence: (primary) => `the host of ${primary} is lost while a replica copies its data anew`,
  hits: 'the primary',
  needs: ['three-members', 'haagentctl'],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async (scene) => {
    const { lab, primary, engine } = scene;
    const cloning = firstReplica(scene);
    void lab.ctl(['reinit', cloning, '--from-leader', '--confirm', cloning]);
    await lab.waitFor(
      `${cloning} copies its data`,
      () => Promise.resolve(lab.processes(cloning, 'all').some((proc) => engine.copiesData(proc))),
      { deadlineMs: 30_000, everyMs: 5 },
    );
    await lab.kill(primary, 'all');
    return async () => {
      await lab.startMember(primary);
    };
  },
};
