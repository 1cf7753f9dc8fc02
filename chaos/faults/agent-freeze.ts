import type { Fault } from './fault.ts';

export const agentFreeze: Fault = {
  sentence: (primary) => `SIGSTOP of the agent of ${primary} past the ttl: its guard must fence, another takes over`,
  hits: 'the primary',
  needs: [],
  primary: 'moves',
  outage: { ttls: 1, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    await lab.freeze(primary, 'agent');
    return async () => {
      await lab.thaw(primary, 'agent');
    };
  },
};
