import type { Fault } from './fault.ts';

export const kill: Fault = {
  sentence: (primary) => `kill -9 of agent, guard and database of ${primary} at once: its host is lost for a while`,
  hits: 'the primary',
  needs: [],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  durable: { outage: { ttls: 0, ms: 1_000 } },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    await lab.kill(primary, 'all');
    return async () => {
      await lab.startMember(primary);
    };
  },
};
