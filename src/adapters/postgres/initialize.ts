import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { createControlFileReader, stateOf } from './control-file.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { succeeded } from './failures.ts';
import { ifMissing } from '../engine/files.ts';
import { unfinished } from '../engine/markers.ts';
import { forgetPristine, markPristine } from '../engine/pristine.ts';
import { firstLimits, mergeParameters } from './parameters.ts';
import { untilWritable, withPrivateServer } from './private-server.ts';
import { replaceData } from '../engine/replace-data.ts';
import { roleStatements } from './roles.ts';
import type { Settings } from '../engine/settings.ts';
import type { Site } from './site.ts';

/** Creates new data with `initdb`, or with the operator's own command. */
const createData = async (site: Site, dataDir: string, budget: Budget): Promise<void> => {
  const { options } = site;
  if (options.customBootstrap !== undefined) {
    const env = { HAAGENT_DATA_DIR: dataDir, HAAGENT_CLUSTER: options.clusterName, HAAGENT_MEMBER: options.name };
    const { command } = options.customBootstrap;
    succeeded(`making the first data with ${command[0]}`, await site.runCustom(command, env, budget.part()));
    return;
  }
  const dialect = await site.dialect(budget.part());
  const { dataChecksums, encoding, locale } = options.initdb;
  const checksums = dataChecksums ? ['--data-checksums'] : dialect.checksumsByDefault ? ['--no-data-checksums'] : [];
  const args = [
    '-D',
    dataDir,
    `--username=${options.credentials.superuser.username}`,
    // Nobody gets in by the files that initdb writes; ours are given to every start.
    '--auth=reject',
    `--encoding=${encoding}`,
    `--locale=${locale}`,
    ...checksums,
  ];
  succeeded(`creating a database in ${dataDir} with initdb`, await site.runWriter('initdb', args, budget.part()));
};

/**
 * New data beside the data directory, the accounts in it, then in one step into its place: what is interrupted leaves
 * nothing that a later start could take for a database. Returns the system identifier.
 */
export const initialize = async (
  site: Site,
  settings: Settings,
  step: Step,
): Promise<{ readonly systemId: string }> => {
  const { options, files } = site;
  const budget = budgetOf(options.clock, step);
  if ((await unfinished(site)) !== 'initialize') await refuseForeignContent(options.dataDir);
  const limits = firstLimits(mergeParameters(options.parameters, settings.config?.parameters ?? {}).accepted);
  let systemId: string | undefined;
  await forgetPristine(site);
  await replaceData(site, 'initialize', { keepOld: false }, budget, async (fresh) => {
    await createData(site, fresh, budget);
    const statements = await roleStatements(options.credentials, await site.dialect(budget.part()));
    await withPrivateServer(site, fresh, limits, budget.part(), async (session) => {
      await untilWritable(session, budget);
      for (const sql of ["set synchronous_commit to 'local'", ...statements]) await session.rows(budget.part(), sql);
    });
    await cleanAutoConf(site, fresh);
    await rm(join(fresh, 'recovery.signal'), { force: true });
    await files.write(join(fresh, 'standby.signal'), '');
    const made = await createControlFileReader(site, fresh).read(budget.part());
    // What the operator's command restored may hold data of people.
    if (made !== undefined && options.customBootstrap === undefined) await markPristine(site, stateOf(made));
    systemId = made?.systemId;
  });
  if (systemId === undefined)
    throw new StepError('failed', `the new database in ${options.dataDir} has no readable control file`);
  return { systemId };
};

const refuseForeignContent = async (dataDir: string): Promise<void> => {
  const content = (await readdir(dataDir).catch(ifMissing)) ?? [];
  if (content.length === 0) return;
  const version = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(ifMissing);
  const what =
    version === undefined ? `${content.length} files that are no database` : `a PostgreSQL ${version.trim()} database`;
  throw new StepError('refused', `creating a database in ${dataDir}: it holds ${what}; move that away first`);
};
