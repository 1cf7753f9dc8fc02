import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { createLaunch } from './launch.ts';
import { openLife } from './life.ts';
import { createPipe } from './pipe.ts';
import { assertDirectory, isDead, readStat, readTree } from './proc.ts';
import { createRun } from './run.ts';

/** How often a process is looked at: one whose end is an event besides need not be watched closely. */
const EXIT_POLL = { child: ms(1_000), stranger: ms(50) };

/**
 * Child processes, and other processes through /proc (Linux). `resolvePath` makes a directory comparable with what /proc
 * says; the guard passes its own, because resolving a path can hang with the disk.
 */
export const createProcesses = ({
  clock,
  resolvePath = realPathOf,
}: {
  readonly clock: Clock;
  readonly resolvePath?: (path: string) => string;
}): Processes => {
  const children = new Map<number, ChildProcess>();

  const alive = (id: ProcessId): boolean => {
    const stat = readStat(id.pid);
    return stat !== undefined && stat.startTime === id.startTime && !isDead(stat);
  };

  const started = (id: ProcessId, child: ChildProcess): void => {
    children.set(id.pid, child);
    child.once('exit', () => children.delete(id.pid));
  };

  /** Also for children: their exit event comes at once, and not at all where something else reaps them. */
  const onExit: Processes['onExit'] = (id, listener) => {
    const life = openLife(id);
    const child = children.get(id.pid);
    let cancelTimer = (): void => undefined;
    const cancel = (): void => {
      cancelTimer();
      child?.off('exit', check);
      life.close();
    };
    const check = (): void => {
      if (life.lasts()) return poll();
      cancel();
      listener();
    };
    const poll = (): void => {
      cancelTimer();
      cancelTimer = clock.timer(child === undefined ? EXIT_POLL.stranger : EXIT_POLL.child, check, { unref: true });
    };
    child?.on('exit', check);
    poll();
    return cancel;
  };

  return {
    run: createRun(clock),
    pipe: createPipe(clock),
    launch: createLaunch(started),
    find: (pid) => {
      const stat = readStat(pid);
      return stat === undefined || isDead(stat) ? undefined : stat;
    },
    alive,
    within: (directory) => {
      assertDirectory(directory);
      return readTree(resolvePath(directory), process.pid);
    },
    signal: (id, signal) => {
      if (id.pid <= 1 || !alive(id)) return false;
      try {
        return process.kill(id.pid, signal);
      } catch {
        return false;
      }
    },
    onExit,
  };
};

/** The path without symbolic links; as it is where it does not exist. */
const realPathOf = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};
