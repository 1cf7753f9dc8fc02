import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { ProcessId, ProcessInfo } from '../../ports/processes.ts';
import type { Budget } from '../engine/budget.ts';
import { tailOf } from '../engine/failures.ts';
import { gone, readFrom } from '../engine/server-end.ts';
import { meaningOf } from './failures.ts';
import { ifMissing, readIfThere } from '../engine/files.ts';
import type { Site } from './site.ts';

/** The server's parent process: found, started, and watched. */
export interface Postmaster {
  /** The server of this data directory, where one lives. Cheap: remembers it by pid and start time. */
  find(): Promise<ProcessInfo | undefined>;
  /** What it wrote of itself into postmaster.pid: `starting`, `ready`, `standby`, `stopping`. */
  status(): Promise<string | undefined>;
  /** Whether one of the server's own processes is a receiver of the log, or too young to be told apart from one. */
  mayReceive(): Promise<boolean>;
  /** What a server that takes no queries is busy with: the title of its startup process, or its own status. */
  progress(): Promise<string>;
  /** Starts a server and returns at once. */
  launch(args: readonly string[]): Promise<ProcessId>;
  /**
   * Waits until `pid` says that it takes queries. Throws `StepError` with the reason from its log when it ends before, and
   * `timed-out` when it is still busy at the end of the budget.
   */
  ready(id: ProcessId, budget: Budget): Promise<void>;
  /** Calls back once for each server that was seen and then ended. */
  onExit(listener: () => void): () => void;
  close(): void;
}

const LARGEST_LOG = 50 * 1024 * 1024;
const PID_LINE = 0;
const STATUS_LINE = 7;

export const createPostmaster = (site: Site, dataDir: string): Postmaster => {
  const { processes } = site.options;
  const listeners = new Set<() => void>();
  let known: ProcessId | undefined;
  let unwatch = (): void => undefined;

  const pidFile = async (): Promise<readonly string[]> =>
    (await readIfThere(join(dataDir, 'postmaster.pid')).catch(() => undefined))?.split('\n') ?? [];

  const watch = (id: ProcessId): void => {
    unwatch();
    known = id;
    unwatch = processes.onExit(id, () => {
      if (known === id) known = undefined;
      for (const listener of listeners) listener();
    });
  };

  const find: Postmaster['find'] = async () => {
    if (known !== undefined) {
      const found = processes.find(known.pid);
      if (found?.startTime === known.startTime) return found;
    }
    const pid = Number((await pidFile())[PID_LINE]);
    if (!(pid > 1) || processes.find(pid) === undefined) return undefined;
    const ours = processes.within(dataDir).find((each) => each.pid === pid);
    if (ours !== undefined) watch({ pid: ours.pid, startTime: ours.startTime });
    return ours;
  };

  const status = async (): Promise<string | undefined> => (await pidFile())[STATUS_LINE]?.trim();
  const logSize = async (): Promise<number> => (await stat(site.paths.log).catch(ifMissing))?.size ?? 0;
  let logBegin = 0;

  const whyItEnded = async (): Promise<StepError> => {
    const text = await readFrom(site.paths.log, logBegin);
    const telling = text.split('\n').filter((line) => /FATAL|PANIC|ERROR|HINT|DETAIL|could not/.test(line));
    const why = tailOf(telling.length > 0 ? telling.join('\n') : text);
    if (/Address already in use/.test(text))
      return new StepError(
        'failed',
        `starting PostgreSQL in ${dataDir}: port ${site.options.port} of ${site.options.listenHost} or its socket in ` +
          `${site.options.socketDir} is used by another program; stop that one or change postgresql.listen. It said: ${why}`,
      );
    return new StepError(
      meaningOf(text),
      `starting PostgreSQL in ${dataDir}: it ended again, saying: ${why}; see ${site.paths.log}`,
    );
  };

  return {
    find,
    status,
    progress: async () => {
      const titles = await Promise.all(processes.within(dataDir).map(({ pid }) => titleOf(pid)));
      return titles.find((title) => title.includes('startup')) ?? (await status()) ?? 'starting';
    },
    mayReceive: async () => {
      const server = await find();
      if (server === undefined) return false;
      const children = processes.within(dataDir).filter((each) => each.ppid === server.pid);
      const titles = await Promise.all(children.map(({ pid }) => titleOf(pid)));
      return titles.some(
        (title) => /: walreceiver( |$)/.test(title) || (title !== '' && !title.startsWith('postgres: ')),
      );
    },
    launch: async (args) => {
      await site.prepare();
      if ((await logSize()) > LARGEST_LOG) await rename(site.paths.log, `${site.paths.log}.1`);
      logBegin = await logSize();
      const { dev, ino } = await stat(dataDir);
      const id = await processes.launch({
        file: join(site.options.binDir, 'postgres'),
        args,
        cwd: site.paths.own,
        env: { PGPASSFILE: site.paths.passfile },
        output: site.paths.log,
        // Named by the directory itself: a host may run members of the same name, of other clusters, and none may die for another.
        ...(site.options.cgroup === 'off' ? {} : { group: `postgres-${dev.toString(16)}-${ino.toString(16)}` }),
        ...site.as,
      });
      watch(id);
      return id;
    },
    ready: async (id, budget) => {
      const found = await budget.poll(10, budget.left(), async () => {
        if (!processes.alive(id)) return 'ended';
        const lines = await pidFile();
        return Number(lines[PID_LINE]) === id.pid && lines[STATUS_LINE]?.trim() === 'ready' ? 'ready' : undefined;
      });
      if (found === 'ended') throw await whyItEnded();
      if (found === undefined)
        throw new StepError('timed-out', `starting PostgreSQL in ${dataDir}: still recovering; see ${site.paths.log}`);
    },
    onExit: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      unwatch();
      listeners.clear();
    },
  };
};

/** What a PostgreSQL process shows of itself: `postgres: startup recovering 000000010000000000000003`. */
const titleOf = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).replaceAll('\0', ' ').trim();

/** Asks a server to end (`SIGINT`: fast) and waits. Throws `StepError` `timed-out`. */
export const stopServer = async (site: Site, id: ProcessId, budget: Budget): Promise<void> => {
  site.options.processes.signal(id, 'SIGINT');
  if (!(await gone(site, id, budget, budget.left())))
    throw new StepError('timed-out', `stopping PostgreSQL (pid ${id.pid}) in ${site.options.dataDir}: still there`);
};
