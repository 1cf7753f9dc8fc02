import type { MemberName } from '../core/brand.ts';
import type { Memory } from '../core/memory.ts';
import type { DatabaseConfig, SlotPlan } from '../ports/database.ts';

/** What the database is to be configured with: the cluster's settings, and the members that may replicate. */
export const databaseConfig = (m: Memory): DatabaseConfig => ({
  parameters: m.settings.parameters,
  accessRules: m.settings.accessRules,
  memberHosts: [
    ...new Set([m.self.host, ...[...(m.view?.members.values() ?? [])].map(({ value }) => value.host)]),
  ].sort(),
  instance: m.instance,
});

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
