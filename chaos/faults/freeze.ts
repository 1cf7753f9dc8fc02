import type { Fault } from './fault.ts';

export const freeze: Fault = {
  sentence: (primary) =>
    `SIGSTOP of agent, guard and database of ${primary}: its host hangs past the ttl, then wakes up`,
  hits: 'the primary',
  needs: [],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  durable: { outage: { ttls: 0, ms: 2_000 } },
  toleratedOverlapMs: 250,
  inflict: async ({ lab, primary }) => {
    await lab.freeze(primary, 'all');
    return async () => {
      await lab.thaw(primary, 'all');
    };
  },
};
