import { spanMs, type Fault, type Scene, type Undo } from '../faults/fault.ts';
import { pause } from '../lab/wait.ts';
import { acksOf } from '../workload/history.ts';
import { PROXY, type Workload } from '../workload/workload.ts';

/** How a fault went, on this process's monotonic clock in milliseconds. */
export interface Course {
  readonly at: number;
  /** The primary of the whole cluster, and when it was whole; undefined when that did not happen in time. */
  readonly healed: { readonly primary: string; readonly at: number } | undefined;
  /** What went wrong on the way. */
  readonly failures: readonly string[];
}

export interface Deadlines {
  /** The most that the cluster may need to take writes again. */
  readonly writesMs: number;
  /** The most that it may need then to be whole again. */
  readonly settleMs: number;
}

/** Waits until writes sent after `since` are acknowledged again, through the proxy too where there is one. */
export const waitForWrites = async (
  { lab }: Pick<Scene, 'lab'>,
  workload: Workload,
  since: number,
  deadlineMs: number,
): Promise<void> => {
  await lab.waitFor(
    'writes are acknowledged again',
    () => {
      const fresh = acksOf(workload.attempts.filter((attempt) => attempt.invoked > since));
      const direct = fresh.some((ack) => ack.writer !== PROXY);
      const proxied = lab.proxy === undefined || fresh.some((ack) => ack.writer === PROXY);
      return Promise.resolve(direct && proxied);
    },
    { deadlineMs },
  );
};

/** Does the fault and waits until writes are acknowledged again; returns how to undo what is not undone yet. */
const strike = async (
  fault: Fault,
  scene: Scene,
  workload: Workload,
  writesMs: number,
  undos: Undo[],
): Promise<void> => {
  const { lab, primary } = scene;
  undos.push(await fault.inflict(scene));
  if (fault.lasts !== undefined) {
    await pause(spanMs(fault.lasts, lab.ttlMs));
    await undos.pop()?.();
  }
  if (fault.primary === 'moves') await lab.waitForLeader({ not: primary, deadlineMs: writesMs });
  await waitForWrites(scene, workload, performance.now(), writesMs);
};

/** Does a fault to a cluster that is written to, undoes it, and waits until the cluster has healed by itself. */
export const runCourse = async (
  fault: Fault,
  scene: Scene,
  workload: Workload,
  deadlines: Deadlines,
): Promise<Course> => {
  const { lab, progress } = scene;
  const at = performance.now();
  const since = (): string => `${Math.round(performance.now() - at)} ms after the fault began`;
  const failures: string[] = [];
  const undos: Undo[] = [];
  const noting = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  await noting(() => strike(fault, scene, workload, deadlines.writesMs, undos));
  if (failures.length === 0) progress(`writes are acknowledged again, ${since()}`);
  for (const undo of undos) await noting(undo);
  let healed: Course['healed'];
  await noting(async () => {
    const primary = await lab.waitForHealthy({ deadlineMs: deadlines.settleMs });
    healed = { primary, at: performance.now() };
    progress(`${primary} is the primary and every other member streams from it, ${since()}`);
    await waitForWrites(scene, workload, performance.now(), deadlines.writesMs);
  });
  return { at, healed, failures };
};
