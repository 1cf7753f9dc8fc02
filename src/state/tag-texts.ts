import type { Tags } from '../core/settings.ts';

/** Every tag of a member as text, under the names of the configuration file; for `?tag_x=y` and for tables. */
export const tagTexts = (tags: Tags): ReadonlyMap<string, string> =>
  new Map([
    ...Object.entries(tags.custom),
    ['nofailover', String(tags.nofailover)],
    ['failover_priority', String(tags.failoverPriority)],
    ['noloadbalance', String(tags.noloadbalance)],
    ['clonefrom', String(tags.clonefrom)],
    ...(tags.replicatefrom === undefined ? [] : [['replicatefrom', tags.replicatefrom] as const]),
    ['nosync', String(tags.nosync)],
    ['sync_priority', String(tags.syncPriority)],
  ]);

/** The tags that differ from the defaults, as the APIs of Patroni show them: only what somebody set. */
export const shownTags = (tags: Tags): Readonly<Record<string, string | number | boolean>> => ({
  ...tags.custom,
  ...(tags.nofailover ? { nofailover: true } : {}),
  ...(tags.failoverPriority === 1 ? {} : { failover_priority: tags.failoverPriority }),
  ...(tags.noloadbalance ? { noloadbalance: true } : {}),
  ...(tags.clonefrom ? { clonefrom: true } : {}),
  ...(tags.replicatefrom === undefined ? {} : { replicatefrom: tags.replicatefrom }),
  ...(tags.nosync ? { nosync: true } : {}),
  ...(tags.syncPriority === 1 ? {} : { sync_priority: tags.syncPriority }),
});
