import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { RunResult } from '../../ports/processes.ts';
import type { Step } from '../../ports/database.ts';
import { dialectOf, type Dialect } from './dialect.ts';
import { succeeded } from './failures.ts';
import { createFiles } from '../engine/files.ts';
import type { Place } from '../engine/place.ts';
import type { PostgresOptions } from './options.ts';
import { createTablespaces } from './tablespaces.ts';

/** Where everything of this member's PostgreSQL lies. */
interface Paths {
  /** Our own folder, readable by the database's user only. */
  readonly own: string;
  readonly conf: string;
  readonly access: string;
  readonly ident: string;
  readonly passfile: string;
  readonly log: string;
  readonly settings: string;
  readonly marker: string;
  readonly pristine: string;
  readonly lostTails: string;
  /** A file whose presence makes every start come up as a replica. */
  readonly replicaMark: string;
  /** Working directory of the programs that write data: by it they are found when their agent died under them. */
  readonly work: string;
  /** Where new data is made before it takes the place of the old. */
  readonly fresh: string;
}

/** One installation: its options, paths, files and programs. */
export interface Site extends Place {
  readonly options: PostgresOptions;
  readonly paths: Paths;
  /** Runs one of PostgreSQL's programs to its end as the database's user, in the C locale, with the password file. */
  run(program: string, args: readonly string[], step: Step): Promise<RunResult>;
  /** The same for a program that writes data. */
  runWriter(program: string, args: readonly string[], step: Step): Promise<RunResult>;
  /** The same for a program of the operator's that writes data, with more environment. */
  runCustom(command: readonly string[], env: Readonly<Record<string, string>>, step: Step): Promise<RunResult>;
  /** Version of the programs in binDir; asked once. Throws `StepError` where they cannot be run. */
  dialect(step: Step): Promise<Dialect>;
  /** What a program started by us needs to be the database's user. */
  readonly as: { readonly uid?: number; readonly gid?: number };
}

const pathsOf = (options: PostgresOptions): Paths => {
  const own = join(options.stateDir, 'postgres');
  return {
    own,
    conf: join(own, 'haagent.conf'),
    access: join(own, 'pg_hba.conf'),
    ident: join(own, 'pg_ident.conf'),
    passfile: join(own, 'passfile'),
    log: join(own, 'postgres.log'),
    settings: join(own, 'settings.json'),
    marker: join(own, 'incomplete.json'),
    pristine: join(own, 'pristine.json'),
    lostTails: own,
    work: join(own, 'work'),
    replicaMark: join(options.dataDir, 'standby.signal'),
    fresh: `${options.dataDir}.new`,
  };
};

/** @param passfile content of the password file: what the programs log in with. */
export const createSite = (options: PostgresOptions, passfile: string): Site => {
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
    return processes.run({
      file,
      args,
      cwd,
      env: { LC_ALL: 'C', PGPASSFILE: paths.passfile, ...env },
      ...as,
      timeout,
      signal,
    });
  };
  const program = (name: string, args: readonly string[]): readonly string[] => [join(options.binDir, name), ...args];
  const makeOwn = async (): Promise<void> => {
    await files.directory(options.stateDir, 0o711);
    await files.directory(paths.own);
    await files.directory(paths.work);
    await files.write(paths.passfile, passfile);
    await files.write(paths.ident, '# no user name maps\n');
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
    outside: createTablespaces(files),
    as,
    run: (name, args, step) => execute(program(name, args), paths.own, {}, step),
    runWriter: (name, args, step) => execute(program(name, args), paths.work, {}, step),
    runCustom: (command, env, step) => execute(command, paths.work, env, step),
    endOrphans: () => {
      for (const orphan of processes.within(paths.work)) processes.signal(orphan, 'SIGKILL');
    },
    prepare,
    dialect: async (step) => {
      if (dialect !== undefined) return dialect;
      const answer = await execute(program('postgres', ['--version']), paths.own, {}, step);
      const { stdout } = succeeded('asking postgres for its version', answer);
      const found = dialectOf(stdout);
      if (typeof found === 'string') throw new StepError('refused', `${options.binDir}: ${found}`);
      return (dialect = found);
    },
  };
};
