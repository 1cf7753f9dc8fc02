import type { Cluster } from './cluster.ts';
import { Violation } from './checks/violation.ts';
import { schedule } from './faults/faults.ts';
import { resumeCluster, withdrawOrders } from './faults/wishes.ts';
import { NO_FAILURE } from './host/host.ts';
import { GOOD_LINK } from './network/link.ts';

/** How long a cluster may take to be whole again, after everything was mended. */
const BOUND = 90_000;
/** When an operator looks, should the cluster not be whole. */
const PATIENCE = 20_000;
const REST = 10_000;
/** What a fault left behind (a right that is nearly over) may still end after a cluster first looks whole. */
const STEADY = 3_000;

/** Transactions in a rest, in which nothing happens. */
export interface Rest {
  readonly heartbeats: number;
  readonly others: number;
}

/** Everything that a fault left is undone. */
export const mend = (cluster: Cluster): void => {
  cluster.world.note('FAULT', 'everything is mended');
  cluster.mended = true;
  cluster.network.mendAll();
  cluster.etcd.setQuorum(true);
  cluster.etcd.setLying(false);
  cluster.etcd.setSpace('enough');
  resumeCluster(cluster);
  for (const member of cluster.members) {
    const { host } = member;
    host.link.set(GOOD_LINK);
    host.failingPromotions = NO_FAILURE;
    host.slowStop = 0;
    host.hang(0);
    host.setDisk('good');
    member.atStep = undefined;
    cluster.resumeHost(member);
    cluster.bootHost(member);
    member.agent?.thaw();
    // An agent that was asked to stop is started again, as whoever asked would do.
    if (member.agent?.memory().stopping === 'full') cluster.killAgent(member);
    cluster.startAgent(member);
  }
};

/** I15: a primary open for clients within a bound, all others streaming. Returns how long it took. */
export const untilWhole = (cluster: Cluster): number => {
  const { world, checks, unsettled } = cluster;
  const begun = world.now();
  let helped = false;
  let wholeSince: number | undefined;
  while (world.now() < begun + BOUND) {
    world.run(world.now() + 100, checks.always);
    wholeSince = unsettled().length === 0 ? (wholeSince ?? world.now()) : undefined;
    if (wholeSince !== undefined && world.now() >= wholeSince + STEADY) return wholeSince - begun;
    if (!helped && world.now() > begun + PATIENCE) {
      helped = true;
      help(cluster);
    }
  }
  explain(cluster);
  throw new Violation('I15', `not whole ${BOUND / 1000} s after everything was mended: ${unsettled().join(', ')}`);
};

/** Writes down what each member waits for. */
const explain = ({ world, members }: Cluster): void => {
  for (const { host, agent } of members) {
    const decision = agent?.memory().decision;
    world.note(host.name, decision === undefined ? 'no agent' : `${decision.rule} [${decision.reasons.join('; ')}]`);
  }
};

/** More copies were lost than the promise could bear: nobody left could prove that it has everything (rule D9). Counted here, not asked of the core. */
const beyondPromise = ({ etcd, members }: Cluster): boolean => {
  const copies = members.filter(({ host }) => host.database.usable());
  const there = new Set(copies.map(({ host }) => `${host.name}~${host.files.instance}`));
  return (etcd.view().sync?.value ?? []).some(
    ({ leader, voters, acks }) => acks > 0 && !there.has(leader) && voters.filter((v) => !there.has(v)).length >= acks,
  );
};

/** A leader that died while paused is replaced by an operator's word only (decision 0002), and so is one that cannot be without loss. */
const help = (cluster: Cluster): void => {
  const { leader, heartbeat } = cluster.etcd.view();
  if (leader !== undefined || (heartbeat?.value.paused !== true && !beyondPromise(cluster))) return;
  const [best] = cluster.members
    .map(({ host }) => host)
    .filter(({ database, tags }) => database.server().kind === 'running' && !tags.nofailover)
    .toSorted((a, b) => b.database.position().at - a.database.position().at);
  if (best === undefined) return;
  withdrawOrders(cluster);
  const at = cluster.world.now();
  schedule(cluster, [{ kind: 'failover', at, to: best.name, allowDataLoss: true }]);
};

/** A whole cluster stays as it is: no change of leader, no rule that comes and goes, no needless transaction. */
export const rest = ({ world, checks, etcd, decided, members, unsettled }: Cluster): Rest => {
  const term = etcd.view().leader?.modRevision;
  const decisions = total(decided);
  const steps = members.reduce((sum, { agent }) => sum + (agent?.steps() ?? 0), 0);
  const heartbeats = (): number => checks.counts.get('heartbeat') ?? 0;
  const beats = heartbeats();
  const others = total(checks.counts) - beats;
  world.run(world.now() + REST, checks.always);
  const flaps = total(decided) - decisions;
  if (etcd.view().leader?.modRevision !== term) throw new Violation('I16', 'the leader changed without a cause');
  if (flaps > 0) throw new Violation('I15', `decisions changed ${flaps} times in a cluster at rest`);
  const writes = total(checks.counts) - heartbeats() - others;
  if (writes > 2 * members.length) throw new Violation('I15', `${writes} transactions besides heartbeats at rest`);
  const stepped = members.reduce((sum, { agent }) => sum + (agent?.steps() ?? 0), 0) - steps;
  const rate = stepped / members.length / (REST / 1000);
  if (rate > 40) throw new Violation('I15', `${rate.toFixed(0)} steps a second and member at rest`);
  const now = unsettled();
  if (now.length > 0) throw new Violation('I15', `whole only for a moment: ${now.join(', ')}`);
  return { heartbeats: heartbeats() - beats, others: writes };
};

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);
