import type { InstanceId, MemberName } from '../brand.ts';
import type { Acknowledgement } from '../database.ts';

/**
 * The arithmetic of acknowledgements and elections (rules D7 and D9). Everything here is about sets of voters, each named
 * `member~instance`: another instance of the same member counts for nothing (rule D12).
 */

/** More voters than this are never chosen: all electing sets can then be looked at one by one. */
export const MOST_VOTERS = 12;

/** Nothing is demanded. */
export const NOBODY: Acknowledgement = { voters: [], acks: 0 };

/** How a member's present data is named as a voter. */
export const voterName = (member: MemberName, instance: InstanceId): string => `${member}~${instance}`;

/** The member's name in a voter's. */
export const memberOf = (voter: string): string => voter.slice(0, Math.max(0, voter.indexOf('~')));

/** How many pledges of its voters an election needs; more than there are where no acknowledgement was asked for. */
export const electingSize = ({ voters, acks }: Acknowledgement): number => voters.length - acks + 1;

/** Calls back with every subset of this size, until one call says true; says whether one did. */
const someSubset = (of: readonly string[], size: number, holds: (subset: ReadonlySet<string>) => boolean): boolean => {
  const chosen = new Set<string>();
  const choose = (from: number): boolean => {
    if (chosen.size === size) return holds(chosen);
    for (let index = from; index <= of.length - (size - chosen.size); index++) {
      const next = of[index];
      if (next === undefined) return false;
      chosen.add(next);
      if (choose(index + 1)) return true;
      chosen.delete(next);
    }
    return false;
  };
  return choose(0);
};

/**
 * Rule D7: every set of voters whose acknowledgement is enough for the database meets every set of voters that is enough for an
 * election. Each electing set is looked at; it is missed where enough of the database's voters lie outside of it.
 */
export const protects = (database: Acknowledgement, published: Acknowledgement): boolean => {
  const size = electingSize(published);
  if (size > published.voters.length) return true;
  return !someSubset(
    published.voters,
    size,
    (electing) => database.voters.filter((voter) => !electing.has(voter)).length >= database.acks,
  );
};

/** The same voters and acks, in whatever order. */
export const sameDemand = (a: Acknowledgement, b: Acknowledgement): boolean =>
  a.acks === b.acks && a.voters.length === b.voters.length && a.voters.every((voter) => b.voters.includes(voter));

/** One promise in the list of `sync`, as far as elections ask for it. */
type Promised = Acknowledgement & { readonly leader: string };

/** These voters have stopped receiving, and among them are all acknowledged writes of this entry (rule D9, B1). */
export const satisfies = (pledged: ReadonlySet<string>, entry: Promised): boolean =>
  pledged.has(entry.leader) || entry.voters.filter((voter) => pledged.has(voter)).length >= electingSize(entry);
