import { rename, stat } from 'node:fs/promises';
import { StepError } from '../../core/errors.ts';
import type { ProcessId, ProcessInfo } from '../../ports/processes.ts';
import type { Budget } from '../engine/budget.ts';
import { ifMissing } from '../engine/files.ts';
import { tailOf } from '../engine/failures.ts';
import { gone, readFrom } from '../engine/server-end.ts';
import { meaningOf } from './failures.ts';
import type { Site } from './site.ts';

/** The server's process: found, started, and watched. */
export interface Server {
  /** The server of this data directory, where one lives. Cheap: remembers it by pid and start time. */
  find(): ProcessInfo | undefined;
  /** The last line that it wrote, for people: what a server that takes no queries yet is busy with. */
  progress(): Promise<string>;
  /** Starts a server with a configuration file and returns at once. */
  launch(program: string, confFile: string): Promise<ProcessId>;
  /** Why a server that was launched here ended, from its log. */
  whyItEnded(): Promise<StepError>;
  /** Calls back once for each server that was seen and then ended. */
  onExit(listener: () => void): () => void;
  close(): void;
}

const LARGEST_LOG = 50 * 1024 * 1024;
const NAMES: ReadonlySet<string> = new Set(['mysqld', 'mariadbd']);

export const createServer = (site: Site, dataDir: string): Server => {
  const { processes } = site.options;
  const listeners = new Set<() => void>();
  let known: ProcessId | undefined;
  let logBegin = 0;
  let unwatch = (): void => undefined;

  const watch = (id: ProcessId): void => {
    unwatch();
    known = id;
    unwatch = processes.onExit(id, () => {
      if (known === id) known = undefined;
      for (const listener of listeners) listener();
    });
  };
  const logSize = async (): Promise<number> => (await stat(site.paths.log).catch(ifMissing))?.size ?? 0;

  return {
    find: () => {
      if (known !== undefined) {
        const found = processes.find(known.pid);
        if (found?.startTime === known.startTime) return found;
      }
      const found = processes.within(dataDir).find(({ command }) => NAMES.has(command));
      if (found !== undefined) watch({ pid: found.pid, startTime: found.startTime });
      return found;
    },
    progress: async () => tailOf(await readFrom(site.paths.log, logBegin), 1) || 'starting',
    launch: async (program, confFile) => {
      await site.prepare();
      if ((await logSize()) > LARGEST_LOG) await rename(site.paths.log, `${site.paths.log}.1`);
      logBegin = await logSize();
      const { dev, ino } = await stat(dataDir);
      const id = await processes.launch({
        file: site.program(program),
        args: [`--defaults-file=${confFile}`],
        // From its first moment on it is found by where it stands.
        cwd: dataDir,
        output: site.paths.log,
        ...(site.options.cgroup === 'off' ? {} : { group: `database-${dev.toString(16)}-${ino.toString(16)}` }),
        ...site.as,
      });
      watch(id);
      return id;
    },
    whyItEnded: async () => {
      const text = await readFrom(site.paths.log, logBegin);
      const telling = text.split('\n').filter((line) => /\[ERROR\]|Fatal|Can't|signal/.test(line));
      const why = tailOf(telling.length > 0 ? telling.join('\n') : text);
      const used = /Address already in use|Do you already have another/.test(text);
      const hint = used
        ? ` Its port ${site.options.port} or socket ${site.paths.socket} is used by another program.`
        : '';
      return new StepError(
        meaningOf(text),
        `starting the server in ${dataDir}: it ended again, saying: ${why}.${hint} See ${site.paths.log}`,
      );
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

/** Asks a server to end and waits. Throws `StepError` `timed-out`. */
export const stopServer = async (site: Site, id: ProcessId, budget: Budget): Promise<void> => {
  site.options.processes.signal(id, 'SIGTERM');
  if (!(await gone(site, id, budget, budget.left())))
    throw new StepError('timed-out', `stopping the server (pid ${id.pid}) in ${site.options.dataDir}: still there`);
};
