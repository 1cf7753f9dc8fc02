import type { Revision } from './brand.ts';

/** What a member has seen of the store: which one it is, and how far it was. Kept over restarts of the agent. */
export interface StoreSeen {
  readonly clusterId: string;
  readonly revision: Revision;
}

/**
 * Says why a store is not the one that was seen before, or has lost what was seen; undefined when all is well. An etcd that was
 * restored from a snapshot, or made anew, forgets terms: whatever it says of leaders is not believed (02 "etcd lost").
 */
export const storeFault = (before: StoreSeen | undefined, now: StoreSeen): string | undefined => {
  if (before === undefined) return undefined;
  if (before.clusterId !== now.clusterId)
    return `etcd answers as another cluster (${now.clusterId}, was ${before.clusterId})`;
  if (now.revision < before.revision)
    return `etcd has lost data: it is at revision ${now.revision}, but ${before.revision} was seen before`;
  return undefined;
};

/** The one that has seen more. */
export const seenMost = (before: StoreSeen | undefined, now: StoreSeen): StoreSeen =>
  before !== undefined && before.clusterId === now.clusterId && before.revision > now.revision ? before : now;
