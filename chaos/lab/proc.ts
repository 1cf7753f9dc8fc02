import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The variable that marks every process of a lab: its value is the lab's directory. */
export const LAB_MARK = 'CHAOS_LAB_DIR';

/** One living process, as /proc tells. Zombies are dead and never listed. */
export interface Proc {
  readonly pid: number;
  readonly ppid: number;
  /** Clock ticks since boot: with the pid it names one process for ever. */
  readonly startTime: string;
  /** One letter of /proc/<pid>/stat: R, S, D, T … */
  readonly state: string;
  /** Working directory; empty when it cannot be read. */
  readonly cwd: string;
  readonly args: readonly string[];
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the process ended between the listing and this read
  }
};

const readCwd = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
};

/** The process with this pid; undefined when there is none, or only its zombie. */
export const findProc = (pid: number): Proc | undefined => {
  const stat = read(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ppid] = fields;
  const startTime = fields[19];
  if (state === undefined || ppid === undefined || startTime === undefined || state === 'Z' || state === 'X')
    return undefined;
  return {
    pid,
    ppid: Number(ppid),
    startTime,
    state,
    cwd: readCwd(pid),
    args: read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
  };
};

/** Every living process of this machine but this one. */
export const listProcs = (): readonly Proc[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => findProc(Number(name)) ?? []);

const isBelow = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);

const isMarked = (proc: Proc, directory: string): boolean =>
  read(`/proc/${proc.pid}/environ`).split('\0').includes(`${LAB_MARK}=${directory}`);

const OWN_PROGRAM = /(^|\/)haagent(-guard|ctl)?(\.js|\.ts)?$/;

/** One of our own programs that was told to work with files in the directory (the guard stays in / itself). */
const isToldOf = (proc: Proc, directory: string): boolean =>
  proc.args.some((arg) => OWN_PROGRAM.test(arg)) && proc.args.some((arg) => arg.includes(`${directory}/`));

/** Processes that work inside a directory or were told to, and all that descend from them. */
export const procsBelow = (directory: string): readonly Proc[] => {
  const all = listProcs();
  const found = new Map(
    all.filter((proc) => isBelow(proc.cwd, directory) || isToldOf(proc, directory)).map((proc) => [proc.pid, proc]),
  );
  for (let grew = true; grew;) {
    const children = all.filter((proc) => found.has(proc.ppid) && !found.has(proc.pid));
    for (const child of children) found.set(child.pid, child);
    grew = children.length > 0;
  }
  return [...found.values()];
};

/** Everything that a lab in this directory started, also what has left the directory since (known by its mark). */
export const procsOfLab = (directory: string): readonly Proc[] => {
  const below = procsBelow(directory);
  const pids = new Set(below.map((proc) => proc.pid));
  return [...below, ...listProcs().filter((proc) => !pids.has(proc.pid) && isMarked(proc, directory))];
};

/** Sends a signal when the pid still is the process that is meant. Returns whether it was sent. */
export const signalProc = (proc: Pick<Proc, 'pid' | 'startTime'>, signal: NodeJS.Signals): boolean => {
  if (findProc(proc.pid)?.startTime !== proc.startTime) return false;
  try {
    return process.kill(proc.pid, signal);
  } catch {
    return false;
  }
};

/**
 * Kills whatever `list` names until it names nothing: stopped first, so that none can start another meanwhile.
 * Throws after `deadlineMs` with what is left.
 */
export const killUntilNone = async (list: () => readonly Proc[], deadlineMs = 10_000): Promise<number> => {
  const until = performance.now() + deadlineMs;
  const killed = new Set<number>();
  for (;;) {
    const living = list();
    if (living.length === 0) return killed.size;
    if (performance.now() > until)
      throw new Error(
        `these processes survived SIGKILL for ${deadlineMs} ms: ` +
          living.map((proc) => `${proc.pid} (${proc.state}) ${proc.args.join(' ')}`).join('; '),
      );
    for (const proc of living) signalProc(proc, 'SIGSTOP');
    for (const proc of living) if (signalProc(proc, 'SIGKILL')) killed.add(proc.pid);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
