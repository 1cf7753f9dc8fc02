import type { ClusterView, Keyed, Pledge } from '../model.ts';
import type { Position, PositionAlgebra } from '../position.ts';
import { pledgesOf, satisfiesAll, shortOf } from './promise.ts';
import { satisfies } from './sets.ts';

/** Who may lead in a cluster whose acknowledged writes are promised (rules D9 and D10). */
export type Election =
  /** With these pledges nothing acknowledged can be lost. `clears`: they alone prove that the predecessor cannot acknowledge. */
  | { readonly kind: 'elected'; readonly pledges: readonly Keyed<Pledge>[]; readonly clears: boolean }
  /** Too few pledges; each reason names a promise and who is missing. */
  | { readonly kind: 'short'; readonly reasons: readonly string[] }
  /** Enough have pledged, but another one has more. */
  | { readonly kind: 'behind'; readonly better: string; readonly reasons: readonly string[] };

/**
 * The one with the younger last record is better, then the one with more (C22). Logs that left each other are compared by their
 * generation, which grows with the term: the younger one began with everything that had been acknowledged before.
 */
export const isBetter = (a: Position, b: Position, positions: PositionAlgebra): boolean => {
  const order = positions.compare(a, b);
  return order === 'diverged' ? positions.generation(a) > positions.generation(b) : order === 'ahead';
};

/**
 * Whether `self` may lead by pledges. It counts only those that are not better than itself: everything acknowledged is then in
 * its own log. A better member goes first; a worse one leads only where the promise is satisfied without the better one.
 */
export const electionOf = (view: ClusterView, self: string, positions: PositionAlgebra): Election => {
  const pledges = pledgesOf(view);
  const own = pledges.get(self)?.value.position;
  if (own === undefined) return { kind: 'short', reasons: ['this member has not pledged yet'] };
  const used = [...pledges].filter(
    ([, { value }]) => value.position !== undefined && !isBetter(value.position, own, positions),
  );
  const voters = new Set(used.map(([voter]) => voter));
  if (satisfiesAll(view, voters))
    return {
      kind: 'elected',
      pledges: used.map(([, keyed]) => keyed),
      clears: (view.sync?.value ?? []).every((entry) => entry.acks > 0 || satisfies(voters, entry)),
    };
  const better = [...pledges.keys()].find((voter) => !voters.has(voter));
  const reasons = shortOf(view, voters);
  return better === undefined || !satisfiesAll(view, new Set(pledges.keys()))
    ? { kind: 'short', reasons }
    : { kind: 'behind', better, reasons };
};
