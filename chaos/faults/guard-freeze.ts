import type { Fault } from './fault.ts';

export const guardFreeze: Fault = {
  sentence: (primary) => `SIGSTOP of the guard of ${primary} past the ttl: the agent replaces it, nothing else happens`,
  hits: 'the primary',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 3_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab, primary }) => {
    await lab.freeze(primary, 'guard');
    return async () => {
      await lab.thaw(primary, 'guard');
    };
  },
};
