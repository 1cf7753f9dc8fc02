import { nothingToUndo, type Fault } from './fault.ts';

export const agentKill: Fault = {
  sentence: (primary) => `kill -9 of the agent of ${primary}: init starts it again, the database never notices`,
  hits: 'the primary',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    await lab.kill(primary, 'agent');
    return nothingToUndo;
  },
};
