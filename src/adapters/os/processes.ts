import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { createLaunch } from './launch.ts';
import { assertDirectory, isDead, readStat, readTree } from './proc.ts';
import { createRun } from './run.ts';

const EXIT_POLL = ms(50);

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

  /** Also for children: their exit event is only sooner, and comes late when the process that saw them start is stopped. */
  const onExit: Processes['onExit'] = (id, listener) => {
    let cancelTimer = (): void => undefined;
    const child = children.get(id.pid);
    const cancel = (): void => {
      cancelTimer();
      child?.off('exit', check);
    };
    const check = (): void => {
      cancel();
      if (alive(id)) poll();
      else listener();
    };
    const poll = (): void => {
      child?.once('exit', check);
      cancelTimer = clock.timer(EXIT_POLL, check, { unref: true });
    };
    poll();
    return cancel;
  };

  return {
    run: createRun(clock),
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
