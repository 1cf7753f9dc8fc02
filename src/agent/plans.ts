import type { MemberName } from '../core/brand.ts';
import type { Memory } from '../core/memory.ts';
import { binds } from '../core/quorum/promise.ts';
import type { DatabaseConfig, SlotPlan } from '../ports/database.ts';

/** What the database is to be configured with: the cluster's settings, and the members that may replicate. */
export const databaseConfig = (m: Memory): DatabaseConfig => ({
  parameters: m.settings.parameters,
  accessRules: m.settings.accessRules,
  memberHosts: [
    ...new Set([m.self.host, ...[...(m.view?.members.values() ?? [])].map(({ value }) => value.host)]),
  ].sort(),
  instance: m.instance,
  ...synchronous(m),
});

/** In force in the modes that wait for voters, and as long as anything is promised that was asked for in one of them. */
const synchronous = (m: Memory): Pick<DatabaseConfig, 'synchronous'> => {
  const { mode, suspectAfter, strict } = m.settings.replication;
  if (mode === 'async' && !binds(m.view)) return {};
  const { nosync, nofailover, failoverPriority } = m.self.tags;
  return { synchronous: { suspectAfter, strict, mayVote: !nosync && !nofailover && failoverPriority > 0 } };
};

/**
 * The slots that this member should have: one for every other member that may replicate from it, now or after a failover.
 * A member that replicates from another one by its tag has its slot there.
 */
export const slotPlan = (m: Memory): SlotPlan => {
  const others = [...(m.view?.members.values() ?? [])].map(({ value }) => value).filter((r) => r.name !== m.self.name);
  const leads = m.reign !== undefined;
  const members: readonly MemberName[] = others
    .filter((r) => !leads || r.tags.replicatefrom === undefined || r.tags.replicatefrom === m.self.name)
    .map((r) => r.name);
  return {
    members,
    positions: leads ? {} : (m.view?.heartbeat?.value.slots ?? {}),
    retention: m.settings.slotRetention,
    permanent: leads ? m.settings.slots : {},
  };
};
