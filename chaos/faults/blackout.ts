import { pause } from '../lab/wait.ts';
import type { Fault } from './fault.ts';

const BETWEEN_MS = 300;

export const blackout: Fault = {
  sentence: (primary) => `power is lost: ${primary} first, then every other host within a second; then all come back`,
  hits: 'every member',
  needs: [],
  primary: 'may move',
  outage: { ttls: 2, ms: 10_000 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 0, ms: 1_000 },
  inflict: async ({ lab, primary, replicas }) => {
    for (const name of [primary, ...replicas]) {
      await lab.kill(name, 'all');
      await pause(BETWEEN_MS);
    }
    return async () => {
      for (const name of [primary, ...replicas]) await lab.startMember(name);
    };
  },
};
