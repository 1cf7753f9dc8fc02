import { firstReplica } from './choosing.ts';
import type { Fault } from './fault.ts';

export const logRemoved: Fault = {
  sentence: (primary) => `a replica was away, and ${primary} has removed the log that it needs`,
  hits: 'a replica',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  settles: { ttls: 1, ms: 60_000 },
  inflict: async (scene) => {
    const { lab, engine, primary } = scene;
    const away = firstReplica(scene);
    await lab.kill(away, 'all');
    await engine.removeLog(lab, primary, away);
    return async () => {
      await lab.startMember(away);
    };
  },
};
