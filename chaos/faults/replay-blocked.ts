import type { Fault } from './fault.ts';

export const replayBlocked: Fault = {
  sentence: (primary) => `the host of ${primary} is lost while a long query on every replica keeps replay waiting`,
  hits: 'the primary',
  needs: [],
  primary: 'moves',
  outage: { ttls: 1, ms: 800 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, engine, primary, replicas }) => {
    const release = await engine.blockReplay(lab, primary, replicas);
    await lab.kill(primary, 'all');
    return async () => {
      release();
      await lab.startMember(primary);
    };
  },
};
