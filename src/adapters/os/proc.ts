import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessInfo } from '../../ports/processes.ts';

/** One line of /proc/<pid>/stat, with what the fence needs besides the port's fields. */
export interface ProcStat extends ProcessInfo {
  /** Has a controlling terminal. */
  readonly terminal: boolean;
  readonly threads: number;
}

/** Parses /proc/<pid>/stat. The command may hold blanks and brackets, so fields count from the LAST bracket. */
export const parseStat = (text: string): ProcStat | undefined => {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const [state, ppid] = fields;
  const startTime = fields[19];
  const pid = Number(text.slice(0, open - 1));
  if (open < 2 || close < open || state === undefined || startTime === undefined || !Number.isInteger(pid))
    return undefined;
  return {
    pid,
    ppid: Number(ppid),
    state,
    command: text.slice(open + 1, close),
    startTime,
    terminal: fields[4] !== '0',
    threads: Number(fields[17]),
  };
};

/** What /proc says about a process, or `undefined` when there is none. Never blocks: reads no memory of the process. */
export const readStat = (pid: number): ProcStat | undefined => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
};

/** A zombie has ended. One whose first thread alone has ended (state Z, others running) has not. */
export const isDead = (stat: ProcStat): boolean => (stat.state === 'Z' || stat.state === 'X') && stat.threads <= 1;

/** All processes that have not ended, by pid. */
export const readAll = (): ReadonlyMap<number, ProcStat> => {
  const all = new Map<number, ProcStat>();
  for (const pid of readPids()) {
    const stat = readStat(pid);
    if (stat !== undefined && !isDead(stat)) all.set(pid, stat);
  }
  return all;
};

const readPids = (): readonly number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

/**
 * Every living process whose working directory is `directory` (a resolved path), with all descendants, except this one.
 * An operator's terminal program standing in the directory (a shell, an editor, a pager) is not part of the database:
 * it has a controlling terminal, a single thread, and no child there that has left the terminal.
 */
export const readTree = (directory: string, self: number): readonly ProcStat[] => {
  assertDirectory(directory);
  const standing = new Set(readPids().filter((pid) => standsIn(pid, directory)));
  if (standing.size === 0) return [];
  const all = readAll();
  const here = [...all.values()].filter((stat) => standing.has(stat.pid));
  const daemonParents = new Set(here.filter((stat) => !stat.terminal).map((stat) => stat.ppid));
  const members = new Set(
    here
      .filter((stat) => !stat.terminal || stat.threads > 1 || daemonParents.has(stat.pid))
      .map((stat) => stat.pid)
      .filter((pid) => pid !== self),
  );
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const stat of all.values()) if (members.has(stat.ppid) && stat.pid !== self) members.add(stat.pid);
  }
  return [...members].flatMap((pid) => all.get(pid) ?? []);
};

/** Throws for a path that would mean all processes, or depend on where this one stands. */
export const assertDirectory = (directory: string): void => {
  if (!/^\/+[^/]/.test(directory))
    throw new RangeError(`looking for the processes of '${directory}': not an absolute path below /`);
};

/** A path means the same directory only within one mount namespace; elsewhere the directory itself is compared. */
const standsIn = (pid: number, directory: string): boolean => {
  const cwd = linkOf(`/proc/${pid}/cwd`);
  if (cwd !== directory && cwd !== `${directory} (deleted)`) return false;
  return linkOf(`/proc/${pid}/ns/mnt`) === linkOf('/proc/self/ns/mnt') || sameFile(`/proc/${pid}/cwd`, directory);
};

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

const sameFile = (a: string, b: string): boolean => {
  try {
    const [first, second] = [statSync(a), statSync(b)];
    return first.dev === second.dev && first.ino === second.ino;
  } catch {
    return false;
  }
};
