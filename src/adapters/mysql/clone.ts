import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { readIfThere } from '../engine/files.ts';
import { unfinished } from '../engine/markers.ts';
import { replaceData } from '../engine/replace-data.ts';
import { writeCleanEnd } from './clean-end.ts';
import type { Dialect, Gtids, PulledCopy, StreamedCopy } from './dialect.ts';
import { succeeded } from './failures.ts';
import { writeIdentity } from './identity.ts';
import { keepLostTail } from './lost-tail.ts';
import type { CustomClone } from './options.ts';
import { createData } from './initialize.ts';
import { withPrivateServer } from './private-server.ts';
import { errnoOf } from './session.ts';
import { GENERATION, SCHEMA } from './roles.ts';
import type { Site } from './site.ts';
import { withSource } from './source-session.ts';

const describe = (from: Source): string => `${from.member} (${from.host}:${from.port})`;

/** The source's identity and how far its log reaches: a wrong password or cluster shows before anything is touched. */
const askSource = (site: Site, dialect: Dialect, from: Source, systemId: string, budget: Budget): Promise<Gtids> =>
  withSource(site.options, from, budget, async (session) => {
    const [row] = await session.rows(budget.part(5_000), `select system_id from ${SCHEMA}.identity`);
    if (row?.['system_id'] !== systemId)
      throw new StepError(
        'other-cluster',
        `copying from ${describe(from)}: its identity is ${row?.['system_id']}, this cluster's is ${systemId}`,
      );
    const [end] = await session.rows(budget.part(5_000), dialect.endQuestion);
    return dialect.readEnd(end);
  });

/** The donor's agent sends; our program unpacks while it comes. Half a copy ends as a failure of the sender or of ours. */
const receive = async (
  site: Site,
  copy: StreamedCopy,
  from: Source,
  directory: string,
  budget: Budget,
): Promise<void> => {
  const { options } = site;
  const what = `copying the data of ${describe(from)}`;
  const [program, ...args] = copy.unpack(directory);
  const run = options.processes.pipe({
    file: site.program(program),
    args,
    cwd: site.paths.work,
    ...site.as,
    ...budget.part(),
    feed: options.fetchCopy(from, budget.part()),
  });
  const [fed, ended] = await Promise.allSettled([run.fed, run.ended]);
  budget.signal.throwIfAborted();
  if (fed.status === 'rejected' && fed.reason instanceof StepError) throw fed.reason;
  if (ended.status === 'fulfilled') succeeded(`${what} with ${program}`, ended.value);
  if (fed.status === 'rejected')
    throw new StepError('failed', `${what}: the copy broke off: ${String(fed.reason)}`, { cause: fed.reason });
  const [maker, ...makerArgs] = copy.prepare(directory);
  succeeded(`making the copy a database with ${maker}`, await site.runWriter(maker, makerArgs, budget.part()));
};

/** A new, empty server fetches the data, and ends when it has it. */
const pull = async (
  site: Site,
  dialect: Dialect,
  copy: PulledCopy,
  from: Source,
  directory: string,
  budget: Budget,
): Promise<void> => {
  const { credentials, tls } = site.options;
  await createData(site, dialect, directory, budget);
  const account = { username: 'root', password: '' };
  await withPrivateServer(site, { dataDir: directory, account, purpose: 'copy' }, budget.part(), async (session) => {
    try {
      for (const sql of copy.pull(from, credentials.replication, tls)) await session.rows(budget.part(), sql);
    } catch (error) {
      const lost = errnoOf(error) === undefined && session.lost();
      if (errnoOf(error) !== copy.endedWith && !lost) throw error;
    }
  });
};

const customEnvironment = (site: Site, from: Source, directory: string): Record<string, string> => ({
  HAAGENT_SOURCE_HOST: from.host,
  HAAGENT_SOURCE_PORT: String(from.port),
  HAAGENT_SOURCE_MEMBER: from.member,
  HAAGENT_DATA_DIR: directory,
  HAAGENT_CLUSTER: site.options.clusterName,
  HAAGENT_MEMBER: site.options.name,
  HAAGENT_REPLICATION_USER: site.options.credentials.replication.username,
});

const endOfStreamed = async (
  copy: StreamedCopy,
  directory: string,
  { before, after }: { readonly before: Gtids; readonly after: Gtids },
): Promise<Gtids> => {
  const texts = await Promise.all(copy.endFiles.map((name) => readIfThere(join(directory, name))));
  const text = texts.find((each) => each !== undefined);
  const gtids = text === undefined ? undefined : copy.end(text, before, after);
  if (gtids !== undefined) return gtids;
  throw new StepError(
    'failed',
    `the copy in ${directory} does not tell where in the log it ends (${copy.endFiles.join(' or ')})`,
  );
};

/** Makes what was copied a member's data: its log goes on where the copy ends, under the cluster's identity. */
const adopt = async (
  site: Site,
  dialect: Dialect,
  directory: string,
  ends: { readonly before: Gtids; readonly after: Gtids },
  budget: Budget,
): Promise<{ readonly gtids: Gtids; readonly generation: number }> => {
  const place = dialect.copy.kind === 'streamed' ? await endOfStreamed(dialect.copy, directory, ends) : undefined;
  const account = site.options.credentials.superuser;
  return withPrivateServer(site, { dataDir: directory, account, purpose: 'copy' }, budget.part(), async (session) => {
    if (place !== undefined) for (const sql of dialect.resumeFrom(place)) await session.rows(budget.part(), sql);
    const [end] = await session.rows(budget.part(), dialect.endQuestion);
    const [row] = await session.rows(budget.part(), GENERATION);
    return { gtids: dialect.readEnd(end), generation: Number(row?.['generation'] ?? 0) };
  });
};

/**
 * Copies the data of `from`: first the operator's methods in their order, then the engine's own. The old data is renamed
 * aside; its transactions that the source lacks are listed. Throws `StepError`: `wrong-password`, `other-cluster`,
 * `disk-full`, `timed-out`, `failed`.
 */
export const clone = async (
  site: Site,
  order: Step & { readonly from: Source; readonly systemId: string },
): Promise<void> => {
  const { options } = site;
  const { from, systemId } = order;
  const budget = budgetOf(options.clock, order);
  await site.prepare();
  const dialect = await site.dialect(budget.part());
  const before = await askSource(site, dialect, from, systemId, budget);
  // Half a copy is worth nothing beside a whole one.
  const keepOld = (await unfinished(site)) === undefined;
  if (keepOld) await keepLostTail(site, dialect, before, budget);

  const copyWith = async (fill: (directory: string) => Promise<void>): Promise<void> => {
    let end: Awaited<ReturnType<typeof adopt>> | undefined;
    await replaceData(site, 'clone', { keepOld }, budget, async (directory) => {
      await fill(directory);
      await rm(join(directory, 'auto.cnf'), { force: true });
      const after = await askSource(site, dialect, from, systemId, budget);
      end = await adopt(site, dialect, directory, { before, after }, budget);
      await writeIdentity(site, systemId, directory);
    });
    if (end !== undefined) await writeCleanEnd(site, { ...end, wasPrimary: false, whole: true });
    await site.files.write(site.paths.replicaMark, '');
  };
  const custom = (method: CustomClone) => async (directory: string) => {
    const run = await site.runCustom(method.command, customEnvironment(site, from, directory), budget.part());
    succeeded(`copying with ${method.name}`, run);
  };

  for (const method of options.customClone ?? []) {
    try {
      await copyWith(custom(method));
      return;
    } catch (error) {
      budget.check(`copying with ${method.name}`);
      const reason = error instanceof Error ? error.message : String(error);
      options.log.warn('database.clone_method_failed', `${method.name} failed, trying the next way`, { reason });
    }
  }
  const { copy } = dialect;
  await copyWith((directory) =>
    copy.kind === 'streamed'
      ? receive(site, copy, from, directory, budget)
      : pull(site, dialect, copy, from, directory, budget),
  );
};
