import { realpathSync } from 'node:fs';
import type { ProcessTable } from '../../ports/processes.ts';
import { assertDirectory, isDead, readStat, readTree } from './proc.ts';

/**
 * Other processes through /proc (Linux). `resolvePath` makes a directory comparable with what /proc says; the guard passes
 * its own, because resolving a path can hang with the disk.
 */
export const createProcessTable = (resolvePath: (path: string) => string = realPathOf): ProcessTable => {
  const alive: ProcessTable['alive'] = (id) => {
    const stat = readStat(id.pid);
    return stat !== undefined && stat.startTime === id.startTime && !isDead(stat);
  };

  return {
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
