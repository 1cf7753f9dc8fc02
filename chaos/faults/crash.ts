import { findProc } from '../lab/proc.ts';
import { nothingToUndo, type Fault } from './fault.ts';

export const crash: Fault = {
  sentence: (primary) => `kill -9 of the postmaster of ${primary}: its database crashed, its host lives`,
  hits: 'the primary',
  needs: [],
  primary: 'may move',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary }) => {
    const before = lab.processes(primary, 'database');
    await lab.kill(primary, 'postmaster');
    // The postmaster's children go on answering clients until somebody ends them.
    await lab.waitFor(
      `every process of the crashed server of ${primary} is gone`,
      () => Promise.resolve(before.every(({ pid, startTime }) => findProc(pid)?.startTime !== startTime)),
      { deadlineMs: 30_000, everyMs: 10 },
    );
    return nothingToUndo;
  },
};
