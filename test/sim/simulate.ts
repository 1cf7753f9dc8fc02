import { createHash } from 'node:crypto';
import { createCluster, type Cluster } from './cluster.ts';
import { Violation } from './checks/violation.ts';
import { schedule, type Fault } from './faults/faults.ts';
import type { Profile } from './faults/profiles.ts';
import { mend, rest, untilWhole, type Rest } from './healing.ts';
import { planRun, type Plan } from './plan.ts';
import type { RarePath } from './sometimes.ts';
import { createWorld } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly plan: Plan;
  readonly faults: readonly Fault[];
  /** The invariant that was broken, with the reason; undefined when the run is good. */
  readonly broken: string | undefined;
  /** Milliseconds from the end of the last fault until the cluster was whole. */
  readonly healedIn: number;
  readonly lost: number;
  /** The readable timeline, made when it is asked for. */
  readonly lines: readonly string[];
  readonly rules: ReadonlySet<string>;
  readonly rarePaths: ReadonlyMap<RarePath, number>;
  /** How often the lead went from one database to another, or one became primary again. */
  readonly failovers: number;
  readonly writesAtRest: Rest;
}

export interface Scenario {
  readonly seed: number;
  readonly plan?: Partial<Plan>;
  /** Instead of random ones. */
  readonly faults?: readonly Fault[];
  /** From which the random ones are drawn; undefined: from all. */
  readonly profile?: Profile | undefined;
  /** Whether transactions are held against D2 and D3 as they are written; else only by what comes of them. */
  readonly shapes?: boolean;
}

/** One run: bootstrap, faults, mending, and a rest in which nothing may happen any more. */
export const simulate = ({ seed, plan: given, faults: chosen, profile, shapes = true }: Scenario): Outcome => {
  const { plan, faults } = planRun(seed, given, chosen, profile);
  const world = createWorld(seed);
  const cluster = createCluster(world, plan, { shapes });
  let broken: string | undefined;
  let healedIn = Infinity;
  let writesAtRest: Rest = { heartbeats: 0, others: 0 };
  try {
    schedule(cluster, faults);
    world.at(0, watch(cluster));
    world.run(plan.mendAt, cluster.checks.always);
    mend(cluster);
    healedIn = untilWhole(cluster);
    writesAtRest = rest(cluster);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    broken = error.message;
    world.note('BROKEN', error.message);
  }
  return {
    seed,
    plan,
    faults,
    broken,
    healedIn,
    lost: cluster.checks.lost(),
    get lines() {
      return world.lines();
    },
    rules: cluster.rulesSeen,
    rarePaths: world.taken,
    failovers: Math.max(0, cluster.promotions() - 1),
    writesAtRest,
  };
};

/** A fingerprint of everything that a run has shown: the same for the same seed, on every machine. */
export const traceHash = (outcome: Outcome): string =>
  createHash('sha256').update(outcome.lines.join('\n')).digest('hex').slice(0, 16);

/** Nobody may be busier than this, whatever goes wrong: steps of one agent within a second. */
const BUSIEST = 1_500;

/** What is looked at once a second: what load balancers are told, and how busy the agents are. */
const watch = ({ world, members, checkHealth }: Cluster): (() => void) => {
  let before = new Map<string, number>();
  const look = (): void => {
    const now = new Map(members.map(({ host, agent }) => [host.name as string, agent?.steps() ?? 0]));
    for (const [name, steps] of now)
      if (steps - (before.get(name) ?? 0) > BUSIEST && before.has(name))
        throw new Violation('I15', `${name} made ${steps - (before.get(name) ?? 0)} steps within a second`);
    before = now;
    checkHealth();
    world.at(1_000, look);
  };
  return look;
};
