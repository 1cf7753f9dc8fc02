import { nothingToUndo, type Fault } from './fault.ts';

export const switchover: Fault = {
  sentence: (primary) => `an operator's switchover: ${primary} hands over to the best replica`,
  hits: 'operators',
  needs: [],
  primary: 'moves',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab }) => {
    await lab.switchover();
    return nothingToUndo;
  },
};
