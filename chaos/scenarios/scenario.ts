import { checkDurability, type Durability } from '../checks/durability.ts';
import { difference, readIds } from '../checks/equality.ts';
import { longestGap } from '../checks/gap.ts';
import { findOverlap } from '../checks/overlap.ts';
import { faults, type Fault, type FaultName } from '../faults/faults.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/wait.ts';
import type { Dialect } from '../workload/dialect.ts';
import { acksOf, type Ack } from '../workload/history.ts';
import { PROXY, startWorkload, type Workload } from '../workload/workload.ts';

export interface ScenarioReport {
  readonly engine: string;
  readonly scenario: FaultName;
  readonly oldPrimary: string;
  readonly newPrimary: string;
  /** Longest time without an acknowledged write: by any member directly, and through the proxy. */
  readonly gapDirectMs: number | undefined;
  readonly gapProxyMs: number | undefined;
  readonly acked: number;
  readonly lost: number;
  readonly unreplicated: number;
  readonly duplicates: number;
  /** Writes that a former primary acknowledged beside the new one, and for how long. */
  readonly dualWrites: number;
  readonly dualWriteMs: number;
  /** From the fault until every member was there again. */
  readonly healedMs: number;
  /** What went wrong, as sentences; empty when the scenario passed. */
  readonly problems: readonly string[];
}

export interface ScenarioOptions {
  readonly lab: Lab;
  readonly dialect: Dialect;
  readonly scenario: FaultName;
  /** How long the writers run before the fault, in milliseconds. */
  readonly warmUpMs: number;
  /** The most that the cluster may need to take writes again, and then to heal. */
  readonly deadlineMs: number;
  readonly progress: (line: string) => void;
}

/** Creates the table anew on the primary and begins to write to every member and through the proxy. */
const beginWriting = async ({ lab, dialect }: ScenarioOptions, primary: string): Promise<Workload> => {
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

/** Waits until writes sent after `since` are acknowledged again, through the proxy too where there is one. */
const waitForWrites = (options: ScenarioOptions, workload: Workload, since: number): Promise<boolean> =>
  options.lab.waitFor(
    'writes are acknowledged again',
    () => {
      const fresh = acksOf(workload.attempts).filter((ack) => ack.invoked > since);
      const direct = fresh.some((ack) => ack.writer !== PROXY);
      const proxied = options.lab.proxy === undefined || fresh.some((ack) => ack.writer === PROXY);
      return Promise.resolve(direct && proxied);
    },
    { deadlineMs: options.deadlineMs },
  );

/** Waits until every member holds exactly what the primary holds; returns what the primary holds. */
const readEqual = async (
  { lab, dialect, deadlineMs }: ScenarioOptions,
  primary: string,
): Promise<readonly number[]> => {
  const wanted = await readIds(lab.member(primary), dialect);
  for (const member of lab.members)
    await lab.waitFor(
      `${member.name} holds the same rows as ${primary}`,
      async () => {
        try {
          return difference(wanted, await readIds(member, dialect)).length === 0;
        } catch {
          return false; // it cannot be read just now: not equal yet
        }
      },
      { deadlineMs, everyMs: 100 },
    );
  return wanted;
};

const problemsOf = (
  fault: Fault,
  primaries: { readonly before: string; readonly after: string },
  durability: Durability,
  overlapMs: number,
): readonly string[] => {
  const problems: string[] = [];
  if (fault.movesPrimary && primaries.before === primaries.after)
    problems.push(`${primaries.before} is still the primary`);
  if (durability.lost.length > 0)
    problems.push(`acknowledged writes are lost: ids ${durability.lost.slice(0, 10).join(', ')}`);
  if (durability.duplicates.length > 0)
    problems.push(`rows are there twice: ids ${durability.duplicates.slice(0, 10).join(', ')}`);
  if (overlapMs > fault.toleratedOverlapMs)
    problems.push(`two primaries acknowledged writes for ${Math.round(overlapMs)} ms`);
  return problems;
};

const gapOf = (acks: readonly Ack[], since: number, end: number): number | undefined => {
  const gap = longestGap(acks, since, end);
  return gap === undefined ? undefined : Math.round(gap.ms);
};

/**
 * Does one fault to the primary of a healthy cluster while clients write, waits until the cluster has healed by itself,
 * and reports what the clients saw. Throws when it does not heal before the deadline.
 */
export const runScenario = async (options: ScenarioOptions): Promise<ScenarioReport> => {
  const { lab, dialect, scenario, progress } = options;
  const fault: Fault = faults[scenario];
  const before = await lab.waitForHealthy({ deadlineMs: options.deadlineMs });
  const workload = await beginWriting(options, before);
  try {
    await waitForWrites(options, workload, 0);
    await pause(options.warmUpMs);
    progress(fault.sentence(before));
    const at = performance.now();
    await fault.inflict(lab, before);
    if (fault.lastsMs !== undefined) {
      await pause(fault.lastsMs(lab.ttlMs));
      await fault.undo(lab, before);
    }
    if (fault.movesPrimary) await lab.waitForLeader({ not: before, deadlineMs: options.deadlineMs });
    await waitForWrites(options, workload, performance.now());
    progress(`writes are acknowledged again, ${Math.round(performance.now() - at)} ms after the fault`);
    if (fault.lastsMs === undefined) await fault.undo(lab, before);
    const after = await lab.waitForHealthy({ deadlineMs: options.deadlineMs });
    const healedMs = Math.round(performance.now() - at);
    progress(`${after} is the primary and every other member streams from it, after ${healedMs} ms`);
    await waitForWrites(options, workload, performance.now());
    const end = performance.now();
    await workload.stop();

    const finalIds = await readEqual(options, after);
    const acks = acksOf(workload.attempts);
    const ports = new Map(lab.members.map(({ name, port }) => [name, port]));
    const durability = checkDurability(acks, finalIds, workload.seen, ports);
    const overlap = findOverlap(acks);
    return {
      engine: dialect.engine,
      scenario,
      oldPrimary: before,
      newPrimary: after,
      gapDirectMs: gapOf(
        acks.filter(({ writer }) => writer !== PROXY),
        at,
        end,
      ),
      gapProxyMs: gapOf(
        acks.filter(({ writer }) => writer === PROXY),
        at,
        end,
      ),
      acked: durability.acked,
      lost: durability.lost.length,
      unreplicated: durability.unreplicated.length,
      duplicates: durability.duplicates.length,
      dualWrites: overlap.acks.length,
      dualWriteMs: Math.round(overlap.ms),
      healedMs,
      problems: problemsOf(fault, { before, after }, durability, overlap.ms),
    };
  } finally {
    await workload.stop();
  }
};
