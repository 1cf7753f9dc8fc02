import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { createPostmaster, stopServer } from './postmaster.ts';
import { quoteSetting } from './quoting.ts';
import { openSession, type Session } from './session.ts';
import type { Site } from './site.ts';

/**
 * Runs a server that nobody but the agent can reach: no network, a socket that only the database's own user may open and
 * that asks for no password. Ends it cleanly afterwards, and kills it when that is not possible.
 */
export const withPrivateServer = async <T>(
  site: Site,
  dataDir: string,
  extra: Readonly<Record<string, string>>,
  step: Step,
  work: (session: Session, budget: Budget) => Promise<T>,
): Promise<T> => {
  const { options, files, paths } = site;
  const budget = budgetOf(options.clock, step);
  await site.prepare();
  const conf = join(paths.own, 'private.conf');
  const access = join(paths.own, 'private_hba.conf');
  const base = join(dataDir, 'postgresql.conf');
  await files.write(conf, `include_if_exists ${quoteSetting(base)}\n`);
  await files.write(access, 'local all all trust\n');
  const parameters = {
    config_file: conf,
    hba_file: access,
    ident_file: paths.ident,
    listen_addresses: '',
    port: options.port,
    unix_socket_directories: options.socketDir,
    unix_socket_permissions: '0700',
    hot_standby: 'on',
    wal_log_hints: 'on',
    archive_mode: 'off',
    synchronous_standby_names: '',
    primary_conninfo: '',
    logging_collector: 'off',
    log_min_error_statement: 'panic',
    ...extra,
  };
  const postmaster = createPostmaster(site, dataDir);
  const args = ['-D', dataDir, ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const id = await postmaster.launch(args);
  let ended = false;
  try {
    await postmaster.ready(id, budget);
    const account = { username: options.credentials.superuser.username, password: '' };
    const target = { host: options.socketDir, port: options.port, account, applicationName: 'haagent' };
    const session = await openSession(options.clock, target, budget.part(5_000));
    try {
      const result = await work(session, budget);
      await stopServer(site, id, budget);
      ended = true;
      return result;
    } finally {
      session.close();
    }
  } finally {
    if (!ended) for (const each of options.processes.within(dataDir)) options.processes.signal(each, 'SIGKILL');
    postmaster.close();
  }
};

/** Waits until a server has finished the recovery that its data asked for and takes writes. */
export const untilWritable = async (session: Session, budget: Budget): Promise<void> => {
  const done = await budget.poll(200, budget.left(), async () => {
    const [row] = await session.rows(budget.part(), 'select pg_is_in_recovery() as recovering');
    return row?.['recovering'] === 'f' ? true : undefined;
  });
  if (done === undefined)
    throw new StepError(
      'timed-out',
      'the data of the custom bootstrap is still in recovery; give it more time or a recovery target',
    );
};
