import { nothingToUndo, type Fault } from './fault.ts';

export const upgrade: Fault = {
  sentence: (primary) => `every agent is stopped and started again, as an upgrade does, ${primary} last`,
  hits: 'operators',
  needs: [],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary, replicas }) => {
    for (const name of [...replicas, primary]) {
      await lab.stopAgent(name);
      await lab.startMember(name);
      await lab.waitFor(`the agent of ${name} answers again`, () => lab.get(name, '/liveness'), { deadlineMs: 30_000 });
      await lab.waitForHealthy({ deadlineMs: 30_000 });
    }
    return nothingToUndo;
  },
};
