import { search, type Found } from './search.ts';
import type { Scope } from './moves.ts';

/** Searches that together fit into a test run, and those for which there is more time. */
const SHORT: readonly (Scope & { readonly name: string })[] = [
  { name: '2 members, 1 fault, 1 more term', members: 2, faults: 1, terms: 1, writes: 0, switchover: false },
];
const LONG: readonly (Scope & { readonly name: string })[] = [
  ...SHORT,
  { name: '2 members, 2 faults, 2 more terms', members: 2, faults: 2, terms: 2, writes: 0, switchover: false },
  { name: '2 members, 1 fault, a switchover', members: 2, faults: 1, terms: 2, writes: 0, switchover: true },
  { name: '3 members, 1 fault, 1 more term', members: 3, faults: 1, terms: 1, writes: 0, switchover: false },
  { name: '3 members, 2 faults, 1 more term', members: 3, faults: 2, terms: 1, writes: 0, switchover: false },
  { name: '2 members, 1 fault, writes', members: 2, faults: 1, terms: 2, writes: 1, switchover: false },
];

/** Runs the searches and prints what each found; true when no promise was broken and nothing is stuck. */
export const runSearches = (how: {
  readonly short: boolean;
  readonly most: number;
  readonly seconds: number;
}): boolean => {
  let good = true;
  for (const scope of how.short ? SHORT : LONG) {
    const found = search(scope, how);
    console.log(`${scope.name}: ${describe(found)}`);
    for (const line of found.broken?.path ?? found.stuckPath) console.log(`    ${line}`);
    good &&= found.broken === undefined && found.stuck === 0;
  }
  return good;
};

const describe = (found: Found): string => {
  const bound = found.finished ? 'finished' : `NOT FINISHED, ${found.waiting} states were not gone on from`;
  const result =
    found.broken === undefined
      ? `no promise broken, ${found.stuck} states from which no primary can be reached`
      : `BROKEN ${found.broken.why}`;
  return `${found.states} states, depth ${found.depth}, ${bound} (${found.horizon} at the end of the scope), ${found.seconds.toFixed(1)} s: ${result}`;
};
