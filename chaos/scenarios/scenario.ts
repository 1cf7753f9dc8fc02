import { checkDurability, type Durability } from '../checks/durability.ts';
import { difference, readIds } from '../checks/equality.ts';
import { longestGap } from '../checks/gap.ts';
import { findOverlap } from '../checks/overlap.ts';
import type { Engine } from '../engines/engine.ts';
import { spanMs, type Fault } from '../faults/fault.ts';
import { faults, type FaultName } from '../faults/faults.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/wait.ts';
import { serverOf } from '../workload/dialect.ts';
import { acksOf, type Ack } from '../workload/history.ts';
import { PROXY, startWorkload, type Workload } from '../workload/workload.ts';
import { runCourse, waitForWrites, type Course } from './course.ts';
import { randomFrom } from './random.ts';
import type { ScenarioReport } from './report.ts';
import { problemsOf } from './verdict.ts';

export interface ScenarioOptions {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly scenario: FaultName;
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
  readonly progress: (line: string) => void;
}

/** Creates the table anew on the primary and begins to write to every member and through the proxy. */
const beginWriting = async ({ lab, engine }: ScenarioOptions, primary: string): Promise<Workload> => {
  const { dialect } = engine;
  await lab.prepareWriter(primary);
  const session = await dialect.connect(lab.member(primary), 2_000);
  try {
    await session.createTable();
  } finally {
    session.destroy();
  }
  return startWorkload({
    dialect,
    members: lab.members,
    proxy: lab.proxy === undefined ? undefined : { host: lab.proxy.host, port: lab.proxy.primaryPort },
    journal: `${lab.dir}/writes.jsonl`,
  });
};

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

/** Reads every member after the writing has ended and holds all that was seen against what was promised. */
const judge = async (
  options: ScenarioOptions,
  before: string,
  course: Course,
  workload: Workload,
  end: number,
): Promise<ScenarioReport> => {
  const { lab, engine } = options;
  const fault: Fault = faults[options.scenario];
  const after = course.healed?.primary;
  const acks = acksOf(workload.attempts);
  const servers = new Map(lab.members.map((member) => [member.name, serverOf(member)]));
  const failures = [...course.failures];
  let durability: Durability = { ...UNKNOWN, acked: acks.length };
  if (after !== undefined)
    try {
      durability = checkDurability(acks, await readEqual(options, after), workload.seen, servers);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  const overlap = findOverlap(acks);
  const through = (proxied: boolean): readonly Ack[] => acks.filter(({ writer }) => (writer === PROXY) === proxied);
  const gapDirectMs = gapOf(through(false), course.at, end);
  const weakAcks = acks.filter(({ outcome }) => outcome.origin.weak === true).length;
  const problems = problemsOf(
    fault,
    { primaries: { before, after }, durability, overlapMs: overlap.ms, weakAcks, gapDirectMs },
    { ttlMs: lab.ttlMs, allowanceMs: options.allowanceMs },
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
    problems: [...failures, ...problems],
  };
};

/**
 * Does one fault to a healthy cluster while clients write, waits until the cluster has healed by itself, and reports what
 * the clients saw. Throws when the cluster was not healthy to begin with.
 */
export const runScenario = async (options: ScenarioOptions): Promise<ScenarioReport> => {
  const { lab, engine, scenario, progress } = options;
  const named: Fault = faults[scenario];
  const fault: Fault = options.lastsMs === undefined ? named : { ...named, lasts: { ttls: 0, ms: options.lastsMs } };
  const before = await lab.waitForHealthy({ deadlineMs: options.deadlineMs });
  const workload = await beginWriting(options, before);
  try {
    await waitForWrites({ lab }, workload, 0, options.deadlineMs);
    await pause(options.warmUpMs);
    progress(fault.sentence(before));
    const scene = {
      lab,
      engine,
      primary: before,
      replicas: lab.members.map(({ name }) => name).filter((name) => name !== before),
      random: randomFrom(options.seed ?? 1),
      progress,
    };
    const writesMs = options.deadlineMs;
    const settleMs = options.deadlineMs + (fault.settles === undefined ? 0 : spanMs(fault.settles, lab.ttlMs));
    const course = await runCourse(fault, scene, workload, { writesMs, settleMs });
    const end = performance.now();
    await workload.stop();
    return await judge(options, before, course, workload, end);
  } finally {
    await workload.stop();
  }
};
