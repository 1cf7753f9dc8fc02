import { dataBugs } from './data-bugs.ts';
import { failsafeBugs } from './failsafe-bugs.ts';
import { fenceBugs } from './fence-bugs.ts';
import { leaseBugs } from './lease-bugs.ts';
import { quorumBugs } from './quorum-bugs.ts';
import type { Bug } from './bug.ts';
import { simulate as whole } from '../simulate.ts';
import { loadBroken, misfit } from './load.ts';

export const bugs: readonly Bug[] = [...leaseBugs, ...failsafeBugs, ...fenceBugs, ...dataBugs, ...quorumBugs];

/** A bug is found when a run breaks a promise that the whole core keeps. */
export interface Hunt {
  readonly bug: Bug;
  readonly seeds: number;
  readonly found: number;
  readonly first: { readonly seed: number; readonly broken: string } | undefined;
}

/** The most seeds that a bug may need. */
export const MOST = 2_000;

/** Runs seeds over the broken core until it is found, and at least `atLeast` of them. */
export const hunt = async (
  bug: Bug,
  how: { readonly from: number; readonly atLeast: number; readonly most: number },
): Promise<Hunt> => {
  const { atLeast, most } = how;
  const { from } = how;
  const wrong = misfit(bug);
  if (wrong !== undefined) throw new Error(`this seeded bug does not fit the code any more: ${wrong}`);
  const simulate = await loadBroken(bug);
  let found = 0;
  let first: Hunt['first'];
  let seeds = 0;
  while (seeds < most && (first === undefined || seeds < atLeast)) {
    const { seed, broken } = simulate({ seed: from + seeds, profile: bug.profile, shapes: bug.byShape === true });
    seeds += 1;
    if (broken === undefined || whole({ seed, profile: bug.profile }).broken !== undefined) continue;
    found += 1;
    first ??= { seed, broken };
  }
  return { bug, seeds, found, first };
};

/** One line for people. */
export const huntLine = ({ bug, seeds, found, first }: Hunt): string => {
  const where = first === undefined ? 'NOT FOUND' : `first in seed ${first.seed}: ${first.broken}`;
  return `${bug.id.padEnd(30)} ${String(found).padStart(4)} of ${String(seeds).padStart(4)} seeds  ${where}`;
};
