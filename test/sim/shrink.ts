import type { Fault } from './faults/faults.ts';
import { simulate, type Outcome } from './simulate.ts';

/** The least that breaks the same promise. */
export interface Shrunk {
  readonly faults: readonly Fault[];
  readonly outcome: Outcome;
  readonly tries: number;
}

/** A failing run is made smaller by at most so many runs. */
const MOST_TRIES = 400;

/**
 * Leaves out faults, and shortens those that are left, as long as the same promise is broken. The seed stays, so what
 * is left still happens in a world of the same chances; which of them it meets may change, so not every part that could
 * go does.
 */
export const shrink = (failed: Outcome): Shrunk => {
  const kind = kindOf(failed);
  const search = { best: failed, tries: 0 };
  const mayTry = (): boolean => search.tries < MOST_TRIES;
  const fails = (faults: readonly Fault[]): boolean => {
    search.tries += 1;
    const outcome = simulate({ seed: failed.seed, plan: failed.plan, faults });
    if (kindOf(outcome) !== kind) return false;
    search.best = outcome;
    return true;
  };
  for (let size = Math.ceil(failed.faults.length / 2); size >= 1 && mayTry(); size = size > 1 ? size >> 1 : 0)
    for (let at = 0; at < search.best.faults.length && mayTry();)
      if (!fails(search.best.faults.toSpliced(at, size))) at += size;
  for (let at = 0; at < failed.faults.length; at++) shorten(at, () => search.best.faults, fails, mayTry);
  return { faults: search.best.faults, outcome: search.best, tries: search.tries };
};

/** Halves how long one fault lasts until that would be too short. */
const shorten = (
  at: number,
  faults: () => readonly Fault[],
  fails: (faults: readonly Fault[]) => boolean,
  mayTry: () => boolean,
): void => {
  for (let fault = faults()[at]; fault !== undefined && mayTry(); fault = faults()[at]) {
    if (!('lasts' in fault) || fault.lasts <= 500) return;
    if (!fails(faults().with(at, { ...fault, lasts: Math.round(fault.lasts / 2) }))) return;
  }
};

/** Which promise was broken, in which way, whoever broke it. */
const kindOf = ({ broken }: Outcome): string | undefined => broken?.split(':')[0];
