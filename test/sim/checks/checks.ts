import type { Memory } from '../../../src/core/memory.ts';
import { termOf, type Term } from '../../../src/core/brand.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import type { StateTransaction, StateWrite } from '../../../src/core/transaction.ts';
import type { TransactOutcome } from '../../../src/ports/consensus.ts';
import type { SimPosition } from '../database/positions.ts';
import type { Etcd } from '../etcd/etcd.ts';
import type { Host } from '../host/host.ts';
import type { World } from '../world.ts';
import { createDataChecks } from './data.ts';
import { createHealthCheck, type Answering } from './health.ts';
import { checkShape, checkSilence, createTermCheck } from './terms.ts';
import { createPromiseChecks } from './promises.ts';
import { Violation } from './violation.ts';

/** Holds what happened against the invariants of the design, at each event. */
export interface Checks {
  /** Cheap: called after every event. */
  always(): void;
  /** What load balancers would be told now; called about once a second. */
  health(members: readonly Answering[]): void;
  executed(host: Host, transaction: StateTransaction, outcome: TransactOutcome): void;
  stepped(host: Host, before: Memory, after: Memory): void;
  promoted(host: Host, generation: number): void;
  /** Clients were told that everything up to `until` is written; `waited`: after voters had acknowledged it. */
  acknowledged(host: Host, until: SimPosition, waited: boolean): void;
  destroys(host: Host): void;
  /** A host creates a database of its own. */
  initializes(host: Host): void;
  /** A fence of the whole server begins, by agent or guard. */
  fences(host: Host): void;
  lost(): number;
  /** Transactions executed at etcd, by the kind of the first key that they write. */
  readonly counts: Map<string, number>;
}

export const createChecks = (deps: {
  readonly world: World;
  readonly etcd: Etcd;
  readonly hosts: readonly Host[];
  readonly settings: Settings;
  /** Whether transactions are held against D2 and D3 as they are written. */
  readonly shapes: boolean;
}): Checks => {
  const { world, etcd, hosts } = deps;
  const counts = new Map<string, number>();
  const data = createDataChecks(world, hosts, () => etcd.view().settings?.value ?? deps.settings);
  const promises = createPromiseChecks(etcd, hosts);
  const checkTerms = createTermCheck();
  const checkHealth = createHealthCheck();
  let before: ClusterView | undefined;

  return {
    counts,
    lost: data.lost,
    destroys: data.destroys,
    initializes: (host) => data.initializes(host, etcd.view()),
    stepped: checkTerms,
    health: (members) =>
      checkHealth(members, { newest: data.newest(), time: world.now(), leader: etcd.view().leader?.value }),
    always: () => {
      promises.always();
      let primary: Host | undefined;
      // One that waits for voters is held to what it acknowledges.
      for (const host of hosts) {
        if (!host.acknowledges() || promises.harmless(host)) continue;
        if (primary !== undefined) {
          // The documented hole of the async level: a whole host that was paused past its right, until it has read its clocks.
          if (!host.justThawed() && !primary.justThawed())
            throw new Violation('I2', `${primary.name} and ${host.name} could both acknowledge a write`);
          world.sometimes('whole hosts went on after their right had ended');
        }
        primary = host;
      }
    },
    executed: (host, transaction, outcome) => {
      const first = transaction.writes[0]?.key.kind ?? 'none';
      counts.set(first, (counts.get(first) ?? 0) + 1);
      if (deps.shapes) checkShape(transaction);
      if (outcome.kind !== 'applied') return;
      const after = etcd.view();
      checkSilence(host, transaction, before, after, hosts);
      if (leads(transaction)) {
        data.termBegins(positionOf(before, hosts), byForce(after, before));
        promises.termBegins(before, byForce(after, before));
      }
      if (host.active() && host.database.acknowledges() && transaction.writes.some((w) => saysFenced(w, after)))
        throw new Violation('I11', `${host.name} says that it is fenced, but its database takes writes`);
      data.identified(after);
      before = after;
    },
    promoted: (host, generation) => {
      promises.promoted(host);
      data.promoted(host, generation, etcd.view());
    },
    acknowledged: (host, until, waited) => {
      data.acknowledged(until);
      promises.acknowledged(host, until, waited);
    },
    fences: (host) => {
      const { heartbeat, leader, settings } = etcd.view();
      const paused = settings?.value.pause === true && heartbeat?.value.paused === true;
      const serves = host.database.server().kind === 'running' && host.acknowledges() && host.hungFor() === undefined;
      // A pause counts from when the leader knows that its heartbeat was written and its guard has heard so (decision 0002).
      const known = host.guard.state().deadline === undefined;
      if (paused && known && leader?.value === host.name && serves)
        throw new Violation('I19', `${host.name} is fenced although the cluster is paused`);
    },
  };
};

const leads = ({ writes }: StateTransaction): boolean =>
  writes.some((write) => write.kind === 'put' && write.key.kind === 'leader');

/** What the last leader had published, where that is still somewhere: not where it lost its data (decision 0008). */
const positionOf = (view: ClusterView | undefined, hosts: readonly Host[]): SimPosition | undefined => {
  const last = view?.heartbeat?.value;
  const gone = hosts.some(({ name, files }) => name === last?.member && files.instance !== last.instance);
  return gone ? undefined : (last?.position as SimPosition | undefined);
};

/** An operator accepted the loss of data, by an order for the member that leads now. */
const byForce = (view: ClusterView, before: ClusterView | undefined): boolean =>
  [...view.intents, ...(before?.intents ?? [])].some(
    ({ value }) => value.kind === 'failover' && value.allowDataLoss && value.to === view.leader?.value,
  );

/** It tells challengers that they need not wait: the holder, or a former one of the newest term, is fenced (rule D6). */
const saysFenced = (write: StateWrite, view: ClusterView): boolean => {
  if (write.kind !== 'put') return false;
  if (write.key.kind === 'heartbeat') return 'released' in write.value && write.value.released;
  return write.key.kind === 'fenced' && write.key.term === provenTerm(view);
};

/** The term of the newest heartbeat: only a fence in that one is waited for. */
const provenTerm = ({ heartbeat }: ClusterView): Term | undefined =>
  heartbeat === undefined ? undefined : (heartbeat.value.term ?? termOf(heartbeat.modRevision));
