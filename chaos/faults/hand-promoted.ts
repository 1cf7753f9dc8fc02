import { firstReplica } from './choosing.ts';
import { nothingToUndo, type Fault } from './fault.ts';

export const handPromoted: Fault = {
  sentence: () => 'somebody promotes a replica by hand, behind the back of the agents',
  hits: 'operators',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  // Outside of every promise: nobody but its own agent can stop it, after the fact.
  toleratedOverlapMs: 5_000,
  settles: { ttls: 1, ms: 30_000 },
  inflict: async (scene) => {
    await scene.engine.promoteByHand(scene.lab, firstReplica(scene));
    return nothingToUndo;
  },
};
