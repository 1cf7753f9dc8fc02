import { pause } from '../lab/wait.ts';
import { has, type Fault } from './fault.ts';

const STEPS_S: readonly number[] = [3_600, -3_600, 37, -37, 0];

export const clockStep: Fault = {
  sentence: (primary) => `the wall clock of ${primary} jumps an hour ahead, an hour back and about, every second`,
  hits: 'the primary',
  needs: ['clock'],
  primary: 'stays',
  outage: { ttls: 0, ms: 500 },
  toleratedOverlapMs: 0,
  lasts: { ttls: 2, ms: 0 },
  inflict: async ({ lab, primary }) => {
    const clock = has(lab.clock, 'clocks that can be stepped');
    for (const seconds of STEPS_S) {
      await clock.step(primary, seconds);
      await pause(1_500);
    }
    await clock.step(primary, 3_600);
    return () => clock.step(primary, 0);
  },
};
