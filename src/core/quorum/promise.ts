import { termOf, type Term } from '../brand.ts';
import type { ClusterView, Keyed, Pledge, SyncEntry } from '../model.ts';
import { electingSize, satisfies, voterName } from './sets.ts';

/** What etcd promises about acknowledged writes: the list in `sync` (rules D8, D9), and the pledges that may satisfy it. */

/** Some acknowledged write may be kept by voters: nobody else may lead before enough of them have pledged (I3). */
export const binds = (view: ClusterView | undefined): boolean =>
  view?.sync?.value.some(({ acks }) => acks > 0) === true;

/** The newest entry, where this voter wrote it as a leader. */
export const ownEntry = (view: ClusterView, self: string): SyncEntry | undefined => {
  const last = view.sync?.value.at(-1);
  return last?.leader === self ? last : undefined;
};

/** The newest term: what pledges and suspicions must name to count. */
export const newestTerm = (view: ClusterView): Term | undefined =>
  view.history === undefined ? undefined : termOf(view.history.modRevision);

/** Pledges of the newest term, by voter. */
export const pledgesOf = (view: ClusterView): ReadonlyMap<string, Keyed<Pledge>> => {
  const newest = newestTerm(view);
  const counting = [...view.pledges.values()].filter(({ value }) => newest !== undefined && value.term === newest);
  return new Map(counting.map((keyed) => [voterName(keyed.value.member, keyed.value.instance), keyed]));
};

/** Who suspects the leader of the newest term, by voter. */
export const suspectsOf = (view: ClusterView): ReadonlySet<string> => {
  const newest = newestTerm(view);
  const counting = [...view.suspects.values()].filter(({ value }) => newest !== undefined && value.term === newest);
  return new Set(counting.map(({ value }) => voterName(value.member, value.instance)));
};

/** Every entry that asks for acknowledgements is satisfied by these voters (rule D9). */
export const satisfiesAll = (view: ClusterView, voters: ReadonlySet<string>): boolean =>
  (view.sync?.value ?? []).every((entry) => entry.acks === 0 || satisfies(voters, entry));

/** Each entry that these voters do not satisfy, for people. */
export const shortOf = (view: ClusterView, voters: ReadonlySet<string>): readonly string[] =>
  (view.sync?.value ?? [])
    .filter((entry) => entry.acks > 0 && !satisfies(voters, entry))
    .map((entry) => {
      const missing = entry.voters.filter((voter) => !voters.has(voter));
      const have = entry.voters.length - missing.length;
      return (
        `${have} of ${electingSize(entry)} pledges that ${entry.leader}'s promise needs ` +
        `(missing: ${missing.join(', ')}; or ${entry.leader} itself)`
      );
    });

/**
 * The list with one entry more (rules D3, D9). The older ones stay as they are, with the term that they were written in; the same
 * promise of the same leader is not kept twice.
 */
export const withEntry = (view: ClusterView, added: SyncEntry): readonly SyncEntry[] => {
  const same = (entry: SyncEntry): boolean =>
    entry.leader === added.leader &&
    entry.acks === added.acks &&
    entry.voters.length === added.voters.length &&
    entry.voters.every((voter) => added.voters.includes(voter));
  return [...dated(view).filter((entry) => !same(entry)), added];
};

/** The list as it is, each entry with its term: one that was written together with `leader` has that revision as its term. */
export const dated = (view: ClusterView): readonly SyncEntry[] => {
  const { sync } = view;
  if (sync === undefined) return [];
  return sync.value.map((entry) => (entry.term === undefined ? { ...entry, term: termOf(sync.modRevision) } : entry));
};
