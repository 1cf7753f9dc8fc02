import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { cleanAutoConf } from './auto-conf.ts';
import { toolConninfo } from './conninfo.ts';
import { createControlFileReader } from './control-file.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { succeeded } from './failures.ts';
import { markFinished, markUnfinished, unfinished } from '../engine/markers.ts';
import type { CustomClone } from './options.ts';
import { refuseRunning, replaceData } from '../engine/replace-data.ts';
import type { Site } from './site.ts';
import { withSource } from './source-session.ts';

/** The identity of the source's data, asked over the replication protocol: a wrong password or cluster shows before anything is touched. */
const identify = (site: Site, from: Source, budget: Budget): Promise<string> =>
  withSource(site.options, from, 'replication', budget, async (session) => {
    const [row] = await session.rows(budget.part(5_000), 'IDENTIFY_SYSTEM');
    return row?.['systemid'] ?? '';
  });

/** What a copy must be before it may be called ours. Its leftovers of another member are removed. */
const adopt = async (site: Site, directory: string, systemId: string, budget: Budget): Promise<void> => {
  const found = (await createControlFileReader(site, directory).read(budget.part()))?.systemId;
  if (found !== systemId)
    throw new StepError(
      'other-cluster',
      `the copy in ${directory} has system identifier ${found ?? 'none'}, not ${systemId}`,
    );
  await cleanAutoConf(site, directory);
  for (const name of ['recovery.signal', 'postmaster.pid', 'postmaster.opts', 'promote'])
    await rm(join(directory, name), { force: true });
  await site.files.write(join(directory, 'standby.signal'), '');
};

const baseBackup = async (site: Site, from: Source, directory: string, budget: Budget): Promise<void> => {
  const source = toolConninfo(site.options, site.paths.passfile, from, 'replication');
  const args = ['-D', directory, '-d', source, '-X', 'stream', '-c', 'fast', '--no-password'];
  const what = `copying the data of ${from.member} (${from.host}:${from.port}) with pg_basebackup`;
  succeeded(what, await site.runWriter('pg_basebackup', args, budget.part()));
};

const customEnvironment = (site: Site, from: Source, directory: string, systemId: string): Record<string, string> => ({
  HAAGENT_SOURCE_HOST: from.host,
  HAAGENT_SOURCE_PORT: String(from.port),
  HAAGENT_SOURCE_MEMBER: from.member,
  HAAGENT_DATA_DIR: directory,
  HAAGENT_CLUSTER: site.options.clusterName,
  HAAGENT_MEMBER: site.options.name,
  HAAGENT_SYSTEM_ID: systemId,
  HAAGENT_REPLICATION_USER: site.options.credentials.replication.username,
});

/**
 * Copies the data of `from`: first the operator's methods in their order, then `pg_basebackup`. The old data is renamed
 * aside. Throws `StepError`: `wrong-password`, `other-cluster`, `disk-full`, `timed-out`, `failed`.
 */
export const clone = async (
  site: Site,
  order: Step & { readonly from: Source; readonly systemId: string },
): Promise<void> => {
  const { options } = site;
  const { from, systemId } = order;
  const budget = budgetOf(options.clock, order);
  await site.prepare();
  const sourceId = await identify(site, from, budget);
  if (sourceId !== systemId)
    throw new StepError(
      'other-cluster',
      `copying from ${from.member} (${from.host}:${from.port}): its system identifier is ${sourceId}, this cluster's is ${systemId}`,
    );
  // Half a copy is worth nothing beside a whole one.
  const keepOld = (await unfinished(site)) === undefined;

  const copyWith = async (method: CustomClone): Promise<void> => {
    const run = async (directory: string): Promise<void> => {
      const env = customEnvironment(site, from, directory, systemId);
      succeeded(`copying with ${method.name}`, await site.runCustom(method.command, env, budget.part()));
      await adopt(site, directory, systemId, budget);
    };
    if (method.keepData !== true) return replaceData(site, 'clone', { keepOld }, budget, run);
    site.endOrphans();
    refuseRunning(site, `copying into ${options.dataDir}`);
    await markUnfinished(site, 'clone');
    await site.files.directory(options.dataDir);
    await run(options.dataDir);
    await markFinished(site);
  };

  for (const method of options.customClone ?? []) {
    try {
      await copyWith(method);
      return;
    } catch (error) {
      budget.check(`copying with ${method.name}`);
      const reason = error instanceof Error ? error.message : String(error);
      options.log.warn('database.clone_method_failed', `${method.name} failed, trying the next way`, { reason });
    }
  }
  await replaceData(site, 'clone', { keepOld }, budget, async (directory) => {
    await baseBackup(site, from, directory, budget);
    await adopt(site, directory, systemId, budget);
  });
};
