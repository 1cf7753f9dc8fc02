import type { Profile } from '../faults/profiles.ts';

/** One line of the real source, broken. `find` must occur exactly once in `file`. */
export interface Patch {
  /** Below src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One safety measure switched off in the code that production runs. */
export interface Bug {
  readonly id: string;
  /** The rule that is broken, and what forced it: a counterexample of the design's review or model. */
  readonly breaks: string;
  readonly patches: readonly Patch[];
  /** Other measures prevent the damage: it is found by D2 and D3 as the transactions are written. */
  readonly byShape?: true;
  /** The mix of faults in which it is looked for; undefined: the whole one. */
  readonly profile?: Profile;
}

const patch = (file: string, find: string, replace: string): Patch => ({ file, find, replace });

export const bug = (id: string, breaks: string, file: string, find: string, replace: string): Bug => ({
  id,
  breaks,
  patches: [patch(file, find, replace)],
});

/** Measures that stand in for each other: only both together can be seen to be missing. */
export const pair = (id: string, breaks: string, first: Bug, second: Bug): Bug => ({
  id,
  breaks,
  patches: [...first.patches, ...second.patches],
});
