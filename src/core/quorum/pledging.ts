import type { Term } from '../brand.ts';
import { after, type Instant } from '../instant.ts';
import { ms } from '../brand.ts';
import type { Position } from '../position.ts';

/** What this process knows of its own pledge (rule D11). What the register holds stands in the view. */
export interface Pledging {
  /** A write of ours to the register may still happen, or one of an earlier life: receiving does not begin before one has succeeded. */
  readonly unsettled: boolean;
  /** Receiving was ended, verified and for good, in this term; the end of everything received. */
  readonly stopped: { readonly term: Term; readonly position: Position } | undefined;
  /** How often the pledge of a term was withdrawn: the next one waits longer (B6). */
  readonly withdrawn: { readonly term: Term; readonly count: number; readonly notBefore: Instant } | undefined;
}

export const UNPLEDGED: Pledging = { unsettled: true, stopped: undefined, withdrawn: undefined };

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** After a withdrawal: a second before the next pledge of that term, doubled each time. */
export const withdrew = (before: Pledging, term: Term, now: Instant): Pledging => {
  const count = before.withdrawn?.term === term ? before.withdrawn.count + 1 : 1;
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (count - 1));
  return { unsettled: false, stopped: undefined, withdrawn: { term, count, notBefore: after(now, ms(wait)) } };
};
