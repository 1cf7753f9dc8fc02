import type { MemberName } from '../../core/brand.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import type { SlotPlan, Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';
import type { Parts } from './parts.ts';
import { quoteLiteral } from './quoting.ts';
import type { Row } from './session.ts';
import { isMemberSlot, slotName } from './slot-names.ts';

const SLOTS = `
  select slot_name as name, slot_type as type, active, restart_lsn as restart, wal_status as status,
         pg_is_in_recovery() as replica, pg_last_wal_replay_lsn() as applied
    from pg_replication_slots
  union all
  select null, null, null, null, null, pg_is_in_recovery(), pg_last_wal_replay_lsn()`;

/** Logical slots of a former primary's own that would keep the new primary's from being copied here (17 and newer). */
const OWN_FAILOVER_SLOTS = `
  select slot_name as name from pg_replication_slots
   where failover and not synced and not active and current_setting('sync_replication_slots') = 'on'`;

interface Present {
  readonly name: string;
  readonly active: boolean;
  readonly restart: Lsn | undefined;
  readonly lost: boolean;
}

const presentOf = (rows: readonly Row[]): ReadonlyMap<string, Present> =>
  new Map(
    rows.flatMap((row) => {
      const name = row['name'];
      if (name === null || name === undefined) return [];
      const restart = parseLsn(row['restart'] ?? undefined);
      return [[name, { name, active: row['active'] === 't', restart, lost: row['status'] === 'lost' }] as const];
    }),
  );

/** The slots of the members: made, moved on and dropped as the plan asks; foreign slots are never touched. */
export interface Slots {
  keep(order: Step & SlotPlan): Promise<void>;
  /** The member of a slot whose name holds only a hash of it. */
  ownerOf(slot: string): MemberName | undefined;
  /** Members whose names are known. */
  members(): Iterable<MemberName>;
}

export const createSlots = (parts: Parts): Slots => {
  const { admin, site } = parts;
  const { name: self, clock, log } = site.options;
  const owners = new Map<string, MemberName>();
  const unusedSince = new Map<string, Instant>();

  const run = (budget: Budget, sql: string): Promise<readonly Row[]> => admin.rows(budget.part(), sql);
  const create = (slot: string, budget: Budget) =>
    run(budget, `select pg_create_physical_replication_slot(${quoteLiteral(slot)}, true)`);
  const drop = async (slot: string, why: string, budget: Budget): Promise<void> => {
    await run(budget, `select pg_drop_replication_slot(${quoteLiteral(slot)})`);
    log.info('database.slot_dropped', `replication slot ${slot} was dropped`, { why });
  };

  /** A copy on a replica follows its original on the leader, but never beyond what this replica has replayed. */
  const advance = async (slot: Present, wanted: Lsn, applied: Lsn | undefined, budget: Budget): Promise<void> => {
    const goal = applied !== undefined && applied < wanted ? applied : wanted;
    if (slot.active || slot.restart === undefined || goal <= slot.restart) return;
    await run(budget, `select pg_replication_slot_advance(${quoteLiteral(slot.name)}, '${formatLsn(goal)}')`);
  };

  const dropUnused = async (present: ReadonlyMap<string, Present>, plan: SlotPlan, budget: Budget): Promise<void> => {
    const wanted = new Set(plan.members.filter((member) => member !== self).map(slotName));
    for (const slot of present.values()) {
      if (!isMemberSlot(slot.name)) continue;
      if (wanted.has(slot.name) || slot.active) {
        unusedSince.delete(slot.name);
        continue;
      }
      const since = unusedSince.get(slot.name) ?? clock.now();
      unusedSince.set(slot.name, since);
      if (slot.name === slotName(self)) await drop(slot.name, 'a member needs no slot on itself', budget);
      else if (elapsedAtLeast(since, clock.now()) >= plan.retention)
        await drop(slot.name, 'its member is gone for longer than slot_retention', budget);
    }
  };

  const createPermanent = async (
    present: ReadonlyMap<string, Present>,
    permanent: SlotPlan['permanent'],
    budget: Budget,
  ): Promise<void> => {
    const dialect = await site.dialect(budget.part());
    for (const [slot, { type, database, plugin }] of Object.entries(permanent)) {
      if (present.has(slot) || isMemberSlot(slot)) continue;
      if (type === 'physical') await create(slot, budget);
      else {
        const failover = dialect.slotFailover ? ', failover => true' : '';
        const made = `pg_create_logical_replication_slot(${quoteLiteral(slot)}, ${quoteLiteral(plugin ?? 'pgoutput')}${failover})`;
        await admin.once(budget.part(), (session) => session.rows(budget.part(), `select ${made}`), {
          database: database ?? 'postgres',
        });
      }
    }
  };

  const dropOwnFailoverSlots = async (budget: Budget): Promise<void> => {
    const { slotFailover } = await site.dialect(budget.part());
    for (const row of slotFailover ? await run(budget, OWN_FAILOVER_SLOTS) : [])
      await drop(row['name'] ?? '', 'a copy of the primary’s slot takes its place', budget);
  };

  /** One slot that cannot be kept must not keep the others from being. */
  const each = async (what: string, budget: Budget, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      budget.check('keeping the replication slots');
      log.warn('database.slot_failed', what, { reason: error instanceof Error ? error.message : String(error) });
    }
  };

  return {
    keep: async (order) => {
      const budget = budgetOf(clock, order);
      const rows = await run(budget, SLOTS);
      const present = presentOf(rows);
      const replica = rows.at(-1)?.['replica'] === 't';
      const applied = parseLsn(rows.at(-1)?.['applied'] ?? undefined);
      for (const member of order.members) {
        if (member === self) continue;
        const slot = slotName(member);
        owners.set(slot, member);
        await each(`the slot of ${member} could not be kept`, budget, async () => {
          const found = present.get(slot);
          if (found?.lost === true && !found.active) await drop(slot, 'the log that it held is gone', budget);
          if (found === undefined || (found.lost && !found.active)) await create(slot, budget);
          else if (replica) {
            const wanted = parseLsn(order.positions[member]);
            if (wanted !== undefined) await advance(found, wanted, applied, budget);
          }
        });
      }
      await each('unused slots could not be dropped', budget, () => dropUnused(present, order, budget));
      if (replica) await each('own failover slots could not be dropped', budget, () => dropOwnFailoverSlots(budget));
      else
        await each('permanent slots could not be made', budget, () =>
          createPermanent(present, order.permanent, budget),
        );
    },
    ownerOf: (slot) => owners.get(slot),
    members: () => owners.values(),
  };
};
