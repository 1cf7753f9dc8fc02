import { signalProc } from '../lab/proc.ts';
import { nothingToUndo, type Fault } from './fault.ts';

export const backendKill: Fault = {
  sentence: (primary) => `kill -9 of one backend of ${primary}: the server may be damaged and starts anew`,
  hits: 'the primary',
  needs: [],
  primary: 'may move',
  outage: { ttls: 0, ms: 1_000 },
  toleratedOverlapMs: 0,
  inflict: ({ lab, primary }) => {
    const postmasters = lab.processes(primary, 'postmaster').map(({ pid }) => pid);
    const backend = lab.processes(primary, 'database').find(({ pid }) => !postmasters.includes(pid));
    if (backend === undefined) throw new Error(`the server of ${primary} has no backend`);
    signalProc(backend, 'SIGKILL');
    return Promise.resolve(nothingToUndo);
  },
};
