import { readdir } from 'node:fs/promises';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { ifMissing } from '../engine/files.ts';
import { unfinished } from '../engine/markers.ts';
import { forgetPristine, markPristine } from '../engine/pristine.ts';
import { replaceData } from '../engine/replace-data.ts';
import { writeCleanEnd } from './clean-end.ts';
import { privateConfiguration } from './configuration.ts';
import { dataState } from './data-state.ts';
import type { Dialect } from './dialect.ts';
import { succeeded } from './failures.ts';
import { newIdentity, writeIdentity } from './identity.ts';
import { withPrivateServer } from './private-server.ts';
import { quoteAccount, quoteLiteral } from './quoting.ts';
import { SCHEMA, TABLES, UNWANTED } from './roles.ts';
import type { Session } from './session.ts';
import type { Site } from './site.ts';

/** Creates new data with the server's own installer, or with the operator's command. */
export const createData = async (site: Site, dialect: Dialect, dataDir: string, budget: Budget): Promise<void> => {
  const { options, files, paths } = site;
  if (options.customBootstrap !== undefined) {
    const env = { HAAGENT_DATA_DIR: dataDir, HAAGENT_CLUSTER: options.clusterName, HAAGENT_MEMBER: options.name };
    const { command } = options.customBootstrap;
    succeeded(`making the first data with ${command[0]}`, await site.runCustom(command, env, budget.part()));
    return;
  }
  await files.write(paths.privateConf, await privateConfiguration(site, dataDir, 'new', budget.part()));
  const { program, args } = dialect.initialize({ dataDir, confFile: paths.privateConf, tmpDir: paths.work });
  succeeded(`creating a database in ${dataDir} with ${program}`, await site.runWriter(program, args, budget.part()));
};

const furnish = async (site: Site, dialect: Dialect, session: Session, systemId: string, budget: Budget) => {
  for (const row of await session.rows(budget.part(), UNWANTED))
    await session.rows(budget.part(), `drop user ${quoteAccount(row['account'] ?? '', row['place'] ?? '')}`);
  const statements = [
    ...TABLES,
    `replace into ${SCHEMA}.identity (single, system_id) values (1, ${quoteLiteral(systemId)})`,
    ...dialect.accounts(site.options.credentials),
    ...dialect.forgetLog,
  ];
  for (const sql of statements) await session.rows(budget.part(), sql);
};

/**
 * New data beside the data directory, accounts and tables in it, with no history at all, then in one step into its place: what
 * is interrupted leaves nothing that a later start could take for a database. Returns the identity that it was given.
 */
export const initialize = async (site: Site, step: Step): Promise<{ readonly systemId: string }> => {
  const { options } = site;
  const budget = budgetOf(options.clock, step);
  if ((await unfinished(site)) !== 'initialize') await refuseForeignContent(options.dataDir);
  const dialect = await site.dialect(budget.part());
  const systemId = newIdentity();
  await forgetPristine(site);
  await replaceData(site, 'initialize', { keepOld: false }, budget, async (fresh) => {
    await createData(site, dialect, fresh, budget);
    const account =
      options.customBootstrap === undefined ? { username: 'root', password: '' } : options.credentials.superuser;
    await withPrivateServer(site, { dataDir: fresh, account, purpose: 'new' }, budget.part(), (session) =>
      furnish(site, dialect, session, systemId, budget),
    );
    await writeIdentity(site, systemId, fresh);
    // What the operator's command restored may hold data of people.
    if (options.customBootstrap === undefined) await markPristine(site, await dataState(fresh));
  });
  await writeCleanEnd(site, { gtids: '', generation: 0, wasPrimary: false, whole: true });
  await site.files.write(site.paths.replicaMark, '');
  return { systemId };
};

const refuseForeignContent = async (dataDir: string): Promise<void> => {
  const content = (await readdir(dataDir).catch(ifMissing)) ?? [];
  if (content.length > 0)
    throw new StepError(
      'refused',
      `creating a database in ${dataDir}: it holds ${content.length} files already; move them away first`,
    );
};
