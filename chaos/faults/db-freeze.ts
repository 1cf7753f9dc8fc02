import type { Fault } from './fault.ts';

export const dbFreeze: Fault = {
  sentence: (primary) => `SIGSTOP of the whole server of ${primary} past the ttl: its agent ends it and starts it anew`,
  hits: 'the primary',
  needs: [],
  primary: 'may move',
  outage: { ttls: 1, ms: 2_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    await lab.freeze(primary, 'database');
    return async () => {
      await lab.thaw(primary, 'database');
    };
  },
};
