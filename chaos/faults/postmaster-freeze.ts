import type { Fault } from './fault.ts';

export const postmasterFreeze: Fault = {
  sentence: (primary) => `SIGSTOP of the postmaster of ${primary} past the ttl: sessions go on, nobody new gets in`,
  hits: 'the primary',
  needs: [],
  primary: 'may move',
  outage: { ttls: 1, ms: 2_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 3, ms: 0 },
  inflict: async ({ lab, primary }) => {
    await lab.freeze(primary, 'postmaster');
    return async () => {
      await lab.thaw(primary, 'postmaster');
    };
  },
};
