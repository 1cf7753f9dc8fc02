import { createCluster, type Cluster, type Plan } from './cluster.ts';
import { Violation } from './checks/checks.ts';
import { randomFaults, resumeCluster, schedule, type Fault } from './faults/faults.ts';
import { GOOD_LINK } from './host/link.ts';
import { createWorld } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** The invariant that was broken, with the reason; undefined when the run is good. */
  readonly broken: string | undefined;
  /** Milliseconds from the end of the last fault until the cluster was whole. */
  readonly healedIn: number;
  readonly lost: number;
  readonly lines: readonly string[];
  readonly rules: ReadonlySet<string>;
  /** Transactions in the last 15 seconds, in which nothing happens. */
  readonly writesAtRest: Rest;
}

export interface Rest {
  readonly heartbeats: number;
  readonly others: number;
}

export interface Scenario {
  readonly seed: number;
  readonly plan?: Partial<Plan>;
  /** Instead of random ones. */
  readonly faults?: readonly Fault[];
}

/** Where a run's phases begin, in milliseconds. */
const CHAOS = 4_000;
const HEAL = 60_000;
/** How long a cluster may take to be whole again, after everything was mended. */
const BOUND = 90_000;
const REST = 15_000;
/** When an operator looks, should the cluster not be whole. */
const PATIENCE = 20_000;

/** One run: bootstrap, faults, mending, and a rest in which nothing may happen any more. */
export const simulate = ({ seed, plan = {}, faults }: Scenario): Outcome => {
  const world = createWorld(seed);
  const members = plan.members ?? world.pick([1, 2, 3, 3, 3, 3, 5]);
  const ttl = plan.ttl ?? world.pick([3_000, 5_000, 10_000, 10_000]);
  // Sometimes one member must never lead, and one is preferred.
  const tags = members > 2 && world.chance(0.3) ? { a: { nofailover: true }, b: { failoverPriority: 5 } } : {};
  const cluster = createCluster(world, { tags, ...plan, members, ttl });
  const names = cluster.members.map(({ host }) => host.name as string);
  const chosen = faults ?? randomFaults(world, names, CHAOS, HEAL - 10_000);
  let broken: string | undefined;
  let healedIn = Infinity;
  let writesAtRest: Rest = { heartbeats: 0, others: 0 };
  try {
    schedule(cluster, chosen);
    world.at(0, watchPace(cluster));
    world.run(HEAL, cluster.checks.always);
    mend(cluster);
    healedIn = untilWhole(cluster);
    writesAtRest = rest(cluster);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    broken = error.message;
    world.note('BROKEN', error.message);
  }
  const { lines } = world;
  return {
    seed,
    faults: chosen,
    broken,
    healedIn,
    lost: cluster.checks.lost(),
    lines,
    rules: cluster.rulesSeen,
    writesAtRest,
  };
};

/** Nobody may be busier than this, whatever goes wrong: steps of one agent within a second. */
const BUSIEST = 1_500;

const watchPace = ({ world, members }: Cluster): (() => void) => {
  let before = new Map<string, number>();
  const look = (): void => {
    const now = new Map(members.map(({ host, agent }) => [host.name as string, agent?.steps() ?? 0]));
    for (const [name, steps] of now)
      if (steps - (before.get(name) ?? 0) > BUSIEST && before.has(name))
        throw new Violation('I15', `${name} made ${steps - (before.get(name) ?? 0)} steps within a second`);
    before = now;
    world.at(1_000, look);
  };
  return look;
};

/** Everything that a fault left is undone. */
const mend = (cluster: Cluster): void => {
  cluster.world.note('FAULT', 'everything is mended');
  resumeCluster(cluster);
  for (const member of cluster.members) {
    member.host.link.set(GOOD_LINK);
    member.host.failingPromotions = 0;
    member.host.hang(0);
    for (const other of cluster.members) cluster.cut(member.host, other.host, false);
    cluster.bootHost(member);
    member.agent?.thaw();
    // An agent that was asked to stop is started again, as whoever asked would do.
    if (member.agent?.memory().stopping === 'full') cluster.killAgent(member);
    cluster.startAgent(member);
  }
};

/** I15: a primary open for clients within a bound, all others streaming. Returns how long it took. */
const untilWhole = (cluster: Cluster): number => {
  const { world, checks, unsettled } = cluster;
  const begun = world.now();
  let helped = false;
  while (world.now() < begun + BOUND) {
    world.run(world.now() + 100, checks.always);
    if (unsettled().length === 0) return world.now() - begun;
    if (!helped && world.now() > begun + PATIENCE) {
      helped = true;
      help(cluster);
    }
  }
  throw new Violation('I15', `not whole ${BOUND / 1000} s after everything was mended: ${unsettled().join(', ')}`);
};

/** A leader that died while paused is replaced by an operator's word only (decision 0002). */
const help = (cluster: Cluster): void => {
  const { leader, heartbeat } = cluster.etcd.view();
  if (leader !== undefined || heartbeat?.value.paused !== true) return;
  const [best] = cluster.members
    .map(({ host }) => host)
    .filter(({ database }) => database.server().kind === 'running')
    .toSorted((a, b) => b.database.position().at - a.database.position().at);
  if (best === undefined) return;
  const at = cluster.world.now();
  schedule(cluster, [{ kind: 'failover', at, to: best.name, allowDataLoss: true }]);
};

/** A whole cluster stays as it is: no change of leader, no rule that comes and goes, no needless transaction. */
const rest = ({ world, checks, etcd, decided, members, unsettled }: Cluster): Rest => {
  // What was waiting for the cluster to be whole (a restart that was asked for, a checkpoint) may end first.
  world.run(world.now() + 5_000, checks.always);
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
