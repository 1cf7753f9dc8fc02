import { ms, type Ms } from '../../core/brand.ts';
import { after, elapsedAtMost, remaining } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import type { ProcessId, ProcessInfo, ProcessTable } from '../../ports/processes.ts';
import { raceAbort } from './abort.ts';
import { killCgroupOf } from './cgroup.ts';
import { assertDirectory } from './proc.ts';
import { restoreMark } from './replica-mark.ts';

/** A killed process needs a moment to give its memory back; then it is looked for again. */
const AGAIN = ms(5);

export type FenceOutcome =
  | { readonly fenced: true; readonly killed: number; readonly tookMs: number }
  | {
      readonly fenced: false;
      readonly killed: number;
      readonly tookMs: number;
      /** Processes that were killed and are still there: in state D they wait for a disk and cannot die. */
      readonly stuck: readonly number[];
      readonly why: string;
    };

/**
 * Kills the database's whole process tree and puts the replica mark back. `fenced` is said only when nothing is left AND
 * the mark is durable, so that a later start cannot come up as a primary (02: The guard and the fence; A15).
 * Killing the first process alone is no fence: its children would go on committing. Ends by `timeout`; can be repeated.
 * Throws `RangeError` for a target that could mean other processes, and the signal's reason when aborted.
 */
export const fenceTree = async ({
  processes,
  clock,
  target,
  timeout,
  signal,
}: {
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly target: GuardTarget;
  readonly timeout: Ms;
  readonly signal: AbortSignal;
}): Promise<FenceOutcome> => {
  assertDirectory(target.dataDir);
  assertDirectory(target.replicaMark);
  const begun = clock.now();
  const deadline = after(begun, timeout);
  const seen = new Map<string, ProcessId>();
  const left = (): readonly ProcessId[] => [...seen.values()].filter((id) => processes.alive(id));
  const score = (): { killed: number; tookMs: number } => ({
    killed: seen.size - left().length,
    tookMs: elapsedAtMost(begun, clock.now()),
  });

  while (remaining(deadline, clock.now()) > 0) {
    if (!(await killAll({ processes, clock, target, deadline, signal, seen }))) break;
    const rest = remaining(deadline, clock.now());
    const problem = await raceAbort(restoreMark(target, clock, rest), signal);
    if (problem !== undefined) return { fenced: false, ...score(), stuck: [], why: problem };
    // Somebody may have started it before the mark was back.
    if (processes.within(target.dataDir).length === 0) return { fenced: true, ...score() };
  }
  const stuck = left().map((id) => id.pid);
  return {
    fenced: false,
    ...score(),
    stuck,
    why: `after ${timeout} ms processes were left: ${describe(processes, stuck)}`,
  };
};

/** True when nothing is left: seen twice, because a process born during the first look may have been overlooked. */
const killAll = async (fence: {
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly target: GuardTarget;
  readonly deadline: { readonly mono: number; readonly boot: number };
  readonly signal: AbortSignal;
  readonly seen: Map<string, ProcessId>;
}): Promise<boolean> => {
  const { processes, clock, target, deadline, signal, seen } = fence;
  for (let empty = 0; ;) {
    const tree = processes.within(target.dataDir);
    for (const { pid, startTime } of tree) seen.set(`${pid} ${startTime}`, { pid, startTime });
    killTree(processes, tree);
    if (tree.length > 0 || [...seen.values()].some((id) => processes.alive(id))) {
      empty = 0;
      if (remaining(deadline, clock.now()) <= 0) return false;
      await clock.sleep(AGAIN, { signal });
    } else if (++empty === 2) return true;
  }
};

/** Stops those that could start others, kills the others, then them; by control group first where there is one. */
const killTree = (processes: ProcessTable, tree: readonly ProcessInfo[]): void => {
  const pids = new Set(tree.map((info) => info.pid));
  const parents = tree.filter((info) => !pids.has(info.ppid));
  const children = tree.filter((info) => pids.has(info.ppid));
  for (const parent of parents) killCgroupOf(parent.pid);
  for (const parent of parents) processes.signal(parent, 'SIGSTOP');
  for (const child of children) processes.signal(child, 'SIGKILL');
  for (const parent of parents) processes.signal(parent, 'SIGKILL');
};

const describe = (processes: ProcessTable, pids: readonly number[]): string =>
  pids
    .map((pid) => `${pid} ${processes.find(pid)?.command ?? ''} in state ${processes.find(pid)?.state ?? 'unknown'}`)
    .join(', ') || 'they come back as fast as they are killed';
