import { LEADER } from './faults/kind.ts';
import type { Fault } from './faults/faults.ts';
import { simulate } from './simulate.ts';

/** A leader's host dies every six seconds, and is back before the next one does. */
const EVERY = 6_000;
const DEATHS: readonly Fault[] = Array.from({ length: 10 }, (_, index) => ({
  kind: 'host-crash',
  at: 5_000 + index * EVERY,
  member: LEADER,
  lasts: 4_000,
}));
const PLAN = { members: 3, ttl: 3_000, mendAt: 5_000 + DEATHS.length * EVERY };

/**
 * How fast this machine simulates: runs of three members whose leader dies again and again, for some seconds of processor
 * time. Prints failovers for each second of processor time, which other work on the machine hardly changes.
 */
export const measureSpeed = (seconds: number): boolean => {
  const used = (): number => process.cpuUsage().user / 1e6;
  let failovers = 0;
  let runs = 0;
  for (const warm of [1, 2, 3]) simulate({ seed: warm, plan: PLAN, faults: DEATHS });
  const begun = used();
  for (; used() - begun < seconds; runs++) failovers += simulate({ seed: runs, plan: PLAN, faults: DEATHS }).failovers;
  const took = used() - begun;
  console.log(
    `${failovers} failovers in ${runs} runs and ${took.toFixed(1)} s of processor time: ${(failovers / took).toFixed(0)} a second`,
  );
  return true;
};
