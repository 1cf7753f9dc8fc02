import { checkDurability, type Durability } from '../checks/durability.ts';
import { difference, readIds } from '../checks/equality.ts';
import { longestGap } from '../checks/gap.ts';
import { findOverlap } from '../checks/overlap.ts';
import { findSurvivorsBehindLosses } from '../checks/suffix.ts';
import type { Engine } from '../engines/engine.ts';
import { spanMs, type Fault } from '../faults/fault.ts';
import { faultOf, type ScenarioName } from '../faults/faults.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/wait.ts';
import { serverOf } from '../workload/dialect.ts';
import { acksOf, type Ack } from '../workload/history.ts';
import { PROXY } from '../workload/workload.ts';
import { inspect } from './aftermath.ts';
import { startClients, type Clients } from './clients.ts';
import { runCourse, waitForWrites, type Course } from './course.ts';
import { randomFrom } from './random.ts';
import type { ScenarioReport } from './report.ts';
import { problemsOf } from './verdict.ts';

export interface ScenarioOptions {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly scenario: ScenarioName;
  /** How long the writers run before the fault, in milliseconds. */
  readonly warmUpMs: number;
  /** The most that the cluster may need to take writes again, and then to heal. */
  readonly deadlineMs: number;
  /** How long the fault lasts, instead of what it says itself, in milliseconds. */
  readonly lastsMs?: number;
  /** Where chance is part of a fault: the same seed draws the same. Default 1. */
  readonly seed?: number;
  /** Judge the outage by the fault's bound and this allowance; undefined: do not judge it. */
  readonly allowanceMs?: number;
  /** Each commit waits for replicas: no loss at all is tolerated. */
  readonly durable?: boolean;
  /** Every workload and every check, not only what writers see: for whoever looks for faults and not for speed. */
  readonly thorough?: boolean;
  readonly progress: (line: string) => void;
}

/** Waits until every member holds exactly what the primary holds; returns what the primary holds. */
const readEqual = async ({ lab, engine, deadlineMs }: ScenarioOptions, primary: string): Promise<readonly number[]> => {
  const wanted = await readIds(lab.member(primary), engine.dialect);
  for (const member of lab.members)
    await lab.waitFor(
      `${member.name} holds the same rows as ${primary}`,
      async () => {
        try {
          return difference(wanted, await readIds(member, engine.dialect)).length === 0;
        } catch {
          return false; // it cannot be read just now: not equal yet
        }
      },
      { deadlineMs, everyMs: 100 },
    );
  return wanted;
};

const gapOf = (acks: readonly Ack[], since: number, end: number): number | undefined => {
  const gap = longestGap(acks, since, end);
  return gap === undefined ? undefined : Math.round(gap.ms);
};

const UNKNOWN: Durability = { acked: 0, lost: [], unreplicated: [], duplicates: [] };

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the other workloads saw, and what is left behind in a cluster that is well again. */
const lookThoroughly = async (
  { lab, engine }: ScenarioOptions,
  primary: string,
  { companions }: Clients,
): Promise<readonly string[]> => {
  const session = await engine.dialect.connect(lab.member(primary), 2_000);
  try {
    const seen = await Promise.all(companions.map((companion) => companion.judge(session)));
    return [...seen.flat(), ...(await inspect(lab, engine, primary))];
  } finally {
    session.destroy();
  }
};

interface Findings {
  readonly durability: Durability;
  readonly problems: readonly string[];
}

/** Reads every member after the writing has ended. */
const readEverything = async (
  options: ScenarioOptions,
  primary: string,
  acks: readonly Ack[],
  clients: Clients,
): Promise<Findings> => {
  const { lab } = options;
  const servers = new Map(lab.members.map((member) => [member.name, serverOf(member)]));
  const { seen, vanished } = clients.workload;
  const durability = checkDurability(acks, await readEqual(options, primary), seen, servers);
  const survivors = findSurvivorsBehindLosses(acks, new Set([...durability.lost, ...durability.unreplicated]));
  const shrunk = [...vanished].filter(([, ids]) => ids.size > 0);
  return {
    durability,
    problems: [
      ...(survivors.length === 0 ? [] : [`the loss is not an end: ${survivors.length} later writes survived it`]),
      ...shrunk.map(([member, ids]) => `${ids.size} rows vanished within a session with ${member}`),
      ...(options.thorough === true ? await lookThoroughly(options, primary, clients) : []),
    ],
  };
};

/** Holds all that was seen against what was promised. */
const judge = async (
  options: ScenarioOptions,
  before: string,
  course: Course,
  clients: Clients,
  end: number,
): Promise<ScenarioReport> => {
  const { lab, engine } = options;
  const fault = faultOf(options.scenario);
  const after = course.healed?.primary;
  const acks = acksOf(clients.workload.attempts);
  const failures = [...course.failures];
  let findings: Findings = { durability: { ...UNKNOWN, acked: acks.length }, problems: [] };
  if (after !== undefined)
    try {
      findings = await readEverything(options, after, acks, clients);
    } catch (error) {
      failures.push(sentence(error));
    }
  const { durability } = findings;
  const overlap = findOverlap(acks);
  const through = (proxied: boolean): readonly Ack[] => acks.filter(({ writer }) => (writer === PROXY) === proxied);
  const gapDirectMs = gapOf(through(false), course.at, end);
  const weakAcks = acks.filter(({ outcome }) => outcome.origin.weak === true).length;
  const problems = problemsOf(
    fault,
    { primaries: { before, after }, durability, overlapMs: overlap.ms, weakAcks, gapDirectMs },
    { ttlMs: lab.ttlMs, allowanceMs: options.allowanceMs, durable: options.durable ?? false },
  );
  return {
    engine: engine.dialect.engine,
    scenario: options.scenario,
    oldPrimary: before,
    newPrimary: after,
    faultAt: course.at,
    gapDirectMs,
    gapProxyMs: gapOf(through(true), course.at, end),
    acked: durability.acked,
    lost: durability.lost.length,
    unreplicated: durability.unreplicated.length,
    duplicates: durability.duplicates.length,
    dualWrites: overlap.acks.length,
    dualWriteMs: Math.round(overlap.ms),
    weakAcks,
    healedMs: course.healed === undefined ? undefined : Math.round(course.healed.at - course.at),
    problems: [...failures, ...problems, ...findings.problems],
  };
};

/** Waits until commits wait for a replica: a new leader promises that only when a replica has come. */
const promised = async ({ lab, deadlineMs }: ScenarioOptions): Promise<void> => {
  await lab.waitFor(
    'commits wait for a replica',
    async () => {
      const answers = await Promise.all(
        lab.members.flatMap(({ name }) => [lab.get(name, '/synchronous'), lab.get(name, '/quorum')]),
      );
      return answers.some((answer) => answer?.status === 200);
    },
    { deadlineMs },
  );
};

/**
 * Does one fault to a healthy cluster while clients write, waits until the cluster has healed by itself, and reports what
 * the clients saw. Throws when the cluster was not healthy to begin with.
 */
export const runScenario = async (options: ScenarioOptions): Promise<ScenarioReport> => {
  const { lab, engine, scenario, progress } = options;
  const named = faultOf(scenario);
  const fault: Fault = options.lastsMs === undefined ? named : { ...named, lasts: { ttls: 0, ms: options.lastsMs } };
  const random = randomFrom(options.seed ?? 1);
  const before = await lab.waitForHealthy({ deadlineMs: options.deadlineMs });
  if (options.durable === true) await promised(options);
  const clients = await startClients({
    lab,
    engine,
    primary: before,
    all: options.thorough === true,
    seed: options.seed ?? 1,
  });
  try {
    await waitForWrites({ lab }, clients.workload, 0, options.deadlineMs);
    await pause(options.warmUpMs);
    progress(fault.sentence(before));
    const replicas = lab.members.map(({ name }) => name).filter((name) => name !== before);
    const scene = { lab, engine, primary: before, replicas, random, progress };
    const settleMs = options.deadlineMs + (fault.settles === undefined ? 0 : spanMs(fault.settles, lab.ttlMs));
    const course = await runCourse(fault, scene, clients.workload, { writesMs: options.deadlineMs, settleMs });
    const end = performance.now();
    await clients.stop();
    return await judge(options, before, course, clients, end);
  } finally {
    await clients.stop();
  }
};
