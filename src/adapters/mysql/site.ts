import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { RunResult } from '../../ports/processes.ts';
import type { Step } from '../../ports/database.ts';
import { createFiles } from '../engine/files.ts';
import type { Place } from '../engine/place.ts';
import { dialectOf, type Dialect } from './dialect.ts';
import { succeeded } from './failures.ts';
import type { MysqlOptions } from './options.ts';

/** Where everything of this member's server lies. */
interface Paths {
  /** Our own folder, readable by the database's user only. */
  readonly own: string;
  readonly conf: string;
  /** For the server of first steps on new data. */
  readonly privateConf: string;
  /** What a program that copies logs in with. */
  readonly toolConf: string;
  readonly socket: string;
  readonly privateSocket: string;
  readonly pid: string;
  readonly log: string;
  readonly settings: string;
  readonly marker: string;
  readonly pristine: string;
  readonly lostTails: string;
  /** While this is absent the server counts as a primary. Every start comes up read-only, whether it is there or not. */
  readonly replicaMark: string;
  /** What a clean stop left behind: the end of the log. Removed before every start. */
  readonly cleanEnd: string;
  /** The parameters that the running server has. */
  readonly launched: string;
  /** Who the data is, inside it: the servers have no identity that a copy keeps. */
  readonly identity: string;
  /** Working directory of the programs that write data: by it they are found when their agent died under them. */
  readonly work: string;
  /** Where new data is made before it takes the place of the old. */
  readonly fresh: string;
}

/** One installation: its options, paths, files and programs. */
export interface Site extends Place {
  readonly options: MysqlOptions;
  readonly paths: Paths;
  /** Where a program is; its bare name where it is in none of the directories. */
  program(name: string): string;
  /** Runs one of the server's programs to its end as the database's user. */
  run(program: string, args: readonly string[], step: Step): Promise<RunResult>;
  /** The same for a program that writes data. */
  runWriter(program: string, args: readonly string[], step: Step): Promise<RunResult>;
  /** The same for a program of the operator's that writes data, with more environment. */
  runCustom(command: readonly string[], env: Readonly<Record<string, string>>, step: Step): Promise<RunResult>;
  /** Flavour and version of the programs; asked once. Throws `StepError` where they cannot be run. */
  dialect(step: Step): Promise<Dialect>;
  /** What a program started by us needs to be the database's user. */
  readonly as: { readonly uid?: number; readonly gid?: number };
}

const pathsOf = (options: MysqlOptions): Paths => {
  const own = join(options.stateDir, options.engine);
  return {
    own,
    conf: join(own, 'my.cnf'),
    privateConf: join(own, 'private.cnf'),
    toolConf: join(own, 'tool.cnf'),
    socket: join(options.socketDir, 'mysqld.sock'),
    privateSocket: join(options.socketDir, 'private.sock'),
    pid: join(own, 'server.pid'),
    log: join(own, 'server.log'),
    settings: join(own, 'settings.json'),
    marker: join(own, 'incomplete.json'),
    pristine: join(own, 'pristine.json'),
    lostTails: own,
    replicaMark: join(own, 'replica'),
    cleanEnd: join(own, 'clean-end.json'),
    launched: join(own, 'launched.json'),
    identity: join(options.dataDir, 'haagent.identity'),
    work: join(own, 'work'),
    fresh: `${options.dataDir}.new`,
  };
};

/** These servers keep parts of the data elsewhere only where an operator sets it up by hand, which is refused. */
const NOWHERE: Place['outside'] = { folders: async () => [], empty: async () => undefined };

export const createSite = (options: MysqlOptions): Site => {
  const { processes } = options;
  const paths = pathsOf(options);
  const files = createFiles(options.osUser);
  const as = options.osUser ?? {};
  let dialect: Dialect | undefined;
  let prepared: Promise<void> | undefined;

  const execute = async (
    command: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>>,
    step: Step,
  ): Promise<RunResult> => {
    await prepare();
    const [file = '', ...args] = command;
    const { timeout, signal } = step;
    return processes.run({ file, args, cwd, env: { LC_ALL: 'C', ...env }, ...as, timeout, signal });
  };
  const program = (name: string): string =>
    options.binDirs.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name;
  const makeOwn = async (): Promise<void> => {
    await files.directory(options.stateDir, 0o711);
    await files.directory(paths.own);
    await files.directory(paths.work);
  };
  const prepare = (): Promise<void> =>
    (prepared ??= makeOwn().catch((error: unknown) => {
      prepared = undefined;
      throw new StepError('failed', `cannot make the state directory ${paths.own}: ${String(error)}`, { cause: error });
    }));

  return {
    options,
    paths,
    files,
    outside: NOWHERE,
    as,
    program,
    run: (name, args, step) => execute([program(name), ...args], paths.own, {}, step),
    runWriter: (name, args, step) => execute([program(name), ...args], paths.work, {}, step),
    runCustom: (command, env, step) => execute(command, paths.work, env, step),
    endOrphans: () => {
      for (const folder of [paths.work, paths.fresh])
        for (const orphan of processes.within(folder)) processes.signal(orphan, 'SIGKILL');
    },
    prepare,
    dialect: async (step) => {
      if (dialect !== undefined) return dialect;
      const server = options.engine === 'mariadb' ? 'mariadbd' : 'mysqld';
      const answer = await execute([program(server), '--no-defaults', '--version'], paths.own, {}, step);
      const { stdout } = succeeded(`asking ${server} for its version`, answer);
      const found = dialectOf(stdout, options.engine);
      if (typeof found === 'string') throw new StepError('refused', `${program(server)}: ${found}`);
      return (dialect = found);
    },
  };
};
