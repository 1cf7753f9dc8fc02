import type { Acknowledgement } from '../database.ts';
import { electingSize, NOBODY, protects, sameDemand } from './sets.ts';

/**
 * How to get from one demand to another in single steps, each of which alone keeps rule D7. The shortest way is searched, so that
 * no case (a swap, more acks, fewer voters, another mode) needs a rule of its own, and none can be forgotten.
 */

/** One single step: the database is changed, or the promise in etcd is. */
export type DemandStep =
  | { readonly kind: 'database'; readonly demand: Acknowledgement }
  | { readonly kind: 'publish'; readonly demand: Acknowledgement };

interface Place {
  readonly database: Acknowledgement;
  readonly published: Acknowledgement;
  readonly cost: number;
  readonly first: DemandStep | undefined;
}

/** A step after which commits would hang, or no election could succeed, costs as much as many that do not. */
const HARMFUL = 100;

const union = (...lists: readonly (readonly string[])[]): readonly string[] => [...new Set(lists.flat())];

const everyAcks = (voters: readonly string[]): readonly Acknowledgement[] =>
  voters.map((_, index) => ({ voters, acks: index + 1 }));

/** What may be passed through on the way. */
const stations = (
  from: Acknowledgement,
  published: Acknowledgement,
  to: Acknowledgement,
): readonly Acknowledgement[] => [
  to,
  from,
  published,
  ...[
    union(from.voters, to.voters),
    union(published.voters, to.voters),
    union(from.voters, published.voters, to.voters),
  ]
    .filter((voters) => voters.length > 0)
    .flatMap(everyAcks),
  ...everyAcks(to.voters),
];

const key = ({ database, published }: Pick<Place, 'database' | 'published'>): string =>
  JSON.stringify([database.acks, database.voters.toSorted(), published.acks, published.voters.toSorted()]);

/**
 * The first single step from what the database demands and what is published to `wanted` for both; undefined when there is nothing to
 * do, or no way. `alive` are the voters that could acknowledge or pledge now. Nothing less than `wanted` is passed through
 * where `wanted` asks for an acknowledgement.
 */
export const nextDemandStep = (at: {
  readonly database: Acknowledgement;
  readonly published: Acknowledgement;
  readonly wanted: Acknowledgement;
  readonly alive: ReadonlySet<string>;
}): DemandStep | undefined => {
  const { database, published, wanted } = at;
  const there = sameDemand(database, wanted);
  if (there && sameDemand(published, wanted)) return undefined;
  if (!there && protects(wanted, published)) return { kind: 'database', demand: wanted };
  return protects(database, wanted) ? { kind: 'publish', demand: wanted } : detour(at);
};

/** Where neither can go straight to what is wanted: the cheapest way through what lies between. */
const detour = (at: Parameters<typeof nextDemandStep>[0]): DemandStep | undefined => {
  const { wanted, alive } = at;
  const living = ({ voters }: Acknowledgement): number => voters.filter((voter) => alive.has(voter)).length;
  const hangs = (demand: Acknowledgement): boolean => living(demand) < demand.acks;
  const stuck = (demand: Acknowledgement): boolean => demand.acks > 0 && living(demand) < electingSize(demand);
  const choices = stations(at.database, at.published, wanted).filter(
    (demand) => demand.acks > 0 || sameDemand(wanted, NOBODY),
  );
  const open: Place[] = [{ database: at.database, published: at.published, cost: 0, first: undefined }];
  const done = new Set<string>();
  for (;;) {
    open.sort((a, b) => a.cost - b.cost);
    const place = open.shift();
    if (place === undefined) return undefined;
    if (sameDemand(place.database, wanted) && sameDemand(place.published, wanted)) return place.first;
    if (done.has(key(place))) continue;
    done.add(key(place));
    for (const demand of choices) {
      if (!sameDemand(demand, place.database) && protects(demand, place.published))
        open.push({
          ...place,
          database: demand,
          cost: place.cost + (hangs(demand) && !sameDemand(demand, wanted) ? HARMFUL : 1),
          first: place.first ?? { kind: 'database', demand },
        });
      if (!sameDemand(demand, place.published) && protects(place.database, demand))
        open.push({
          ...place,
          published: demand,
          cost: place.cost + (stuck(demand) && !sameDemand(demand, wanted) ? HARMFUL : 1),
          first: place.first ?? { kind: 'publish', demand },
        });
    }
  }
};
