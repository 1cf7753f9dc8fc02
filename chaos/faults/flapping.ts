import { pause } from '../lab/wait.ts';
import { etcdHosts } from './choosing.ts';
import { cutOff } from './cutting.ts';
import type { Fault } from './fault.ts';

const LASTS_MS = 30_000;
const SHORTEST_MS = 300;
const LONGEST_MS = 3_000;

export const flapping: Fault = {
  sentence: (primary) => `the network of ${primary} comes and goes every 0.3 to 3 s for ${LASTS_MS / 1_000} s`,
  hits: 'the network',
  needs: ['network'],
  primary: 'may move',
  outage: { ttls: 2, ms: 3_000 },
  toleratedOverlapMs: 0,
  inflict: async ({ lab, primary, replicas, random }) => {
    const between = (): Promise<void> => pause(SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS));
    const until = performance.now() + LASTS_MS;
    try {
      while (performance.now() < until) {
        await cutOff(lab, primary, [...etcdHosts(lab), ...replicas]);
        await between();
        await lab.heal();
        await between();
      }
    } finally {
      await lab.heal();
    }
    return () => lab.heal();
  },
};
