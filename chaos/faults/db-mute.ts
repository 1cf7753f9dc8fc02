import { signalProc } from '../lab/proc.ts';
import type { Fault } from './fault.ts';

export const dbMute: Fault = {
  sentence: (primary) =>
    `the server of ${primary} accepts connections and never answers, while its log goes on streaming to the replicas`,
  hits: 'the primary',
  needs: [],
  primary: 'may move',
  outage: { ttls: 1, ms: 2_000 },
  toleratedOverlapMs: 0,
  inflict: ({ lab, engine, primary }) => {
    const mute = [
      ...lab.processes(primary, 'postmaster'),
      ...lab.processes(primary, 'database').filter((proc) => engine.servesClients(proc)),
    ];
    for (const proc of mute) signalProc(proc, 'SIGSTOP');
    return Promise.resolve(() => {
      for (const proc of mute) signalProc(proc, 'SIGCONT');
      return Promise.resolve();
    });
  },
};
