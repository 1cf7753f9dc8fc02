import { termOf, type Term } from '../../../src/core/brand.ts';
import { remaining } from '../../../src/core/instant.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { nameOf } from '../../../src/state/paths.ts';
import type { TransactOutcome } from '../../../src/ports/consensus.ts';
import type { Etcd } from '../etcd.ts';
import type { Host } from '../host/host.ts';
import { isPartOf, simPosition, type SimPosition } from '../database/positions.ts';
import type { World } from '../world.ts';

/** A promise that was broken. Ends the run. */
export class Violation extends Error {
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** Holds what happened against the invariants of 02-safety, at each event. */
export interface Checks {
  /** Cheap: called after every event. */
  always(): void;
  executed(host: Host, transaction: StateTransaction, outcome: TransactOutcome): void;
  promoted(host: Host, generation: number): void;
  created(systemId: string): void;
  acknowledged(host: Host): void;
  /** Acknowledged writes that promotions have dropped, in the unit of positions. */
  lost(): number;
  /** Transactions executed at etcd, by the kind of the first key that they write. */
  readonly counts: Map<string, number>;
}

export const createChecks = (deps: {
  readonly world: World;
  readonly etcd: Etcd;
  readonly hosts: readonly Host[];
}): Checks => {
  const { etcd, hosts } = deps;
  const counts = new Map<string, number>();
  const generations = new Set<number>();
  let identity: string | undefined;
  let newest: SimPosition = simPosition([], 0);
  let lost = 0;
  let before: ClusterView | undefined;

  /** Whoever leads by silence finds nobody whose right lasts, by any clock, and no other database that is primary (R1, R2). */
  const checkRights = (host: Host, { writes }: StateTransaction): void => {
    const last = before?.heartbeat;
    const how = etcd.view().history?.value.how;
    if (how !== 'acquire' && how !== 'take-over') return;
    const takes = writes.some(
      (write) => write.kind === 'put' && write.key.kind === 'leader' && write.value === host.name,
    );
    if (!takes || last === undefined || last.value.released || last.value.paused) return;
    if (before?.fenced.has(last.value.term ?? termOf(last.modRevision)) === true) return;
    for (const other of hosts) {
      if (other === host || !other.up) continue;
      if (other.database.acknowledges())
        throw new Violation('R2', `${host.name} leads by silence while the database of ${other.name} is primary`);
      const { deadline } = other.right();
      if (deadline !== undefined && remaining(deadline, other.now()) > 0)
        throw new Violation('R2', `${host.name} leads by silence while the right of ${other.name} lasts`);
    }
  };

  return {
    counts,
    lost: () => lost,
    always: () => {
      let primary: Host | undefined;
      for (const host of hosts) {
        if (!host.up || !host.database.acknowledges()) continue;
        if (primary !== undefined)
          throw new Violation('I2', `${primary.name} and ${host.name} could both acknowledge a write`);
        primary = host;
      }
    },
    executed: (host, transaction, outcome) => {
      const first = transaction.writes[0]?.key.kind ?? 'none';
      counts.set(first, (counts.get(first) ?? 0) + 1);
      checkShape(transaction);
      if (outcome.kind !== 'applied') return;
      checkRights(host, transaction);
      before = etcd.view();
      const { initialize } = before;
      const { systemId } = initialize?.value ?? {};
      if (identity !== undefined && systemId !== identity)
        throw new Violation('I12', `the cluster was system ${identity}, now it is ${systemId ?? 'none'}`);
      identity = systemId;
      for (const write of transaction.writes) {
        const says =
          (write.kind === 'put' &&
            write.key.kind === 'heartbeat' &&
            'released' in write.value &&
            write.value.released) ||
          (write.kind === 'put' && write.key.kind === 'fenced' && write.key.term === provenTerm(before));
        if (says && host.up && host.database.server().kind === 'running')
          if (host.database.acknowledges())
            throw new Violation('I11', `${host.name} says that it is fenced, but its database is primary`);
      }
    },
    promoted: (host, generation) => {
      if (generations.has(generation))
        throw new Violation('I6', `${host.name} became primary with generation ${generation}, which was used before`);
      generations.add(generation);
      if (host.tags.nofailover || host.tags.failoverPriority <= 0)
        throw new Violation('I7', `${host.name} became primary although its tags forbid it`);
      const how = etcd.view().history?.value.how;
      const reached = host.database.position();
      const kept = simPosition(reached.path.slice(0, -1), reached.at);
      if (newest.path.length > 0 && !isPartOf(newest, kept)) {
        const gone = Math.max(0, newest.at - kept.at);
        lost += gone;
        if (how === 'hand-over' && etcd.view().history?.value.member === host.name)
          throw new Violation('I3', `${host.name} was handed the lead and lacks ${gone} of what was acknowledged`);
      }
    },
    created: () => {},
    acknowledged: (host) => {
      newest = host.database.position();
    },
  };
};

/** The term of the newest heartbeat: only a fence in that one is waited for. */
const provenTerm = ({ heartbeat }: ClusterView): Term | undefined =>
  heartbeat === undefined ? undefined : (heartbeat.value.term ?? termOf(heartbeat.modRevision));

/** Rules D1 to D3, read off the transaction itself. */
const checkShape = ({ compare, writes }: StateTransaction): void => {
  const written = new Set(writes.map(({ key }) => nameOf(key)));
  const compared = new Set(compare.map(({ key }) => nameOf(key)));
  if (![...written].some((name) => compared.has(name)))
    throw new Violation('D2', `a transaction on ${[...written].join(', ')} compares no key that it changes`);
  const leads = writes.some((write) => write.kind === 'put' && write.key.kind === 'leader');
  if (!leads) return;
  for (const name of ['heartbeat', 'history'])
    if (!written.has(name)) throw new Violation('D3', `leader was written without ${name}`);
  for (const name of ['leader', 'heartbeat', 'history', 'sync'])
    if (!compared.has(name)) throw new Violation('D3', `leader was written without a comparison of ${name}`);
};
