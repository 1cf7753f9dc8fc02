import { pause } from '../lab/wait.ts';
import { nothingToUndo, type Fault } from './fault.ts';

/** When the agent is killed, counted from the order: a switchover takes about half a second. */
const STEPS_MS: readonly number[] = [50, 150, 250, 350, 500, 700];

export const duringSwitchover: Fault = {
  sentence: (primary) =>
    `switchovers from ${primary} on, in each of which the agent that hands over is killed a little later`,
  hits: 'operators',
  needs: [],
  primary: 'may move',
  outage: { ttls: 1, ms: 3_000 },
  toleratedOverlapMs: 0,
  settles: { ttls: 1, ms: 0 },
  inflict: async ({ lab, progress }) => {
    for (const afterMs of STEPS_MS) {
      const from = await lab.waitForHealthy({ deadlineMs: 2 * lab.ttlMs + 60_000 });
      const ordered = lab.switchover().then(
        () => 'went through',
        () => 'was not done',
      );
      await pause(afterMs);
      await lab.kill(from, 'agent');
      const outcome = await ordered;
      progress(`agent of ${from} killed ${afterMs} ms after the order: the switchover ${outcome}`);
    }
    return nothingToUndo;
  },
};
