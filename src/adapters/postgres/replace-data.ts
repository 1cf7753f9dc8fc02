import { readdir, readlink, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Budget } from './deadline.ts';
import { fileErrorCode, ifMissing } from './files.ts';
import { markFinished, markUnfinished, type Unfinished } from './markers.ts';
import type { Site } from './site.ts';

const entriesOf = async (path: string): Promise<readonly string[]> => (await readdir(path).catch(ifMissing)) ?? [];

/** Folders outside the data directory that hold its tablespaces' files. */
const tablespacesOf = async (dataDir: string): Promise<readonly string[]> => {
  const links = await entriesOf(join(dataDir, 'pg_tblspc'));
  const targets = await Promise.all(links.map((name) => readlink(join(dataDir, 'pg_tblspc', name)).catch(() => '')));
  return targets.filter((target) => isAbsolute(target));
};

const emptyTablespaces = async (site: Site, dataDir: string): Promise<void> => {
  for (const folder of await tablespacesOf(dataDir))
    for (const name of await entriesOf(folder)) if (name.startsWith('PG_')) await site.files.remove(join(folder, name));
};

const removeData = async (site: Site, dataDir: string): Promise<void> => {
  await emptyTablespaces(site, dataDir);
  await site.files.remove(dataDir);
};

/** A mount point cannot be renamed; its content has to be replaced where it is. */
const isMountPoint = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(ifMissing);
  return found !== undefined && found.dev !== (await stat(dirname(path))).dev;
};

/** Old data renamed aside, newest first. */
const keptCopies = async (dataDir: string): Promise<readonly string[]> => {
  const prefix = `${basename(dataDir)}.kept-`;
  const names = (await entriesOf(dirname(dataDir))).filter((name) => name.startsWith(prefix));
  return names
    .toSorted()
    .reverse()
    .map((name) => join(dirname(dataDir), name));
};

const removeKept = async (site: Site, from: number): Promise<void> => {
  for (const path of (await keptCopies(site.options.dataDir)).slice(from)) await site.files.remove(path);
};

/** Puts finished data into its place; the old goes aside or away. */
const swap = async (site: Site, step: Unfinished, keepOld: boolean): Promise<void> => {
  const { options, files, paths } = site;
  await markUnfinished(site, step);
  if ((await entriesOf(options.dataDir)).length > 0 && keepOld) {
    const stamp = new Date(options.clock.wall()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    await files.move(options.dataDir, `${options.dataDir}.kept-${stamp}`);
    await removeKept(site, 1);
  } else await files.remove(options.dataDir);
  await files.move(paths.fresh, options.dataDir);
  await markFinished(site);
};

const makeBeside = async (site: Site, step: Unfinished, keepOld: boolean, make: (dir: string) => Promise<void>) => {
  const { options, paths, files } = site;
  await removeData(site, paths.fresh);
  // While old data is there and whole, an interruption loses nothing; without it, it must be seen.
  if ((await entriesOf(options.dataDir)).length === 0) await markUnfinished(site, step);
  await files.directory(paths.fresh);
  await make(paths.fresh);
  await swap(site, step, keepOld);
};

const makeInPlace = async (site: Site, step: Unfinished, make: (dir: string) => Promise<void>): Promise<void> => {
  const { dataDir } = site.options;
  await markUnfinished(site, step);
  await emptyTablespaces(site, dataDir);
  for (const name of await entriesOf(dataDir)) await site.files.remove(join(dataDir, name));
  await site.files.directory(dataDir);
  await make(dataDir);
  await markFinished(site);
};

/** A server whose directory is renamed under it would go on, found by nobody, not even by a fence. */
export const refuseRunning = (site: Site, what: string): void => {
  const running = site.options.processes.within(site.options.dataDir).length;
  if (running > 0)
    throw new StepError('refused', `${what}: ${running} processes of a server run in it; stop or fence it first`);
};

/**
 * Makes new data and lets it take the place of the old in one rename; the old is kept aside when `keepOld` is set (one copy).
 * Where no second copy can exist (mount point, no right to rename, tablespaces outside, disk full) the old is removed
 * first: the caller has proven that another copy exists (I13). `make` may be called twice, each time for an empty
 * directory. Whatever happens, observing afterwards says either the old data, the new data, or `incomplete`.
 */
export const replaceData = async (
  site: Site,
  step: Unfinished,
  { keepOld }: { readonly keepOld: boolean },
  budget: Budget,
  make: (directory: string) => Promise<void>,
): Promise<void> => {
  const { dataDir, log } = site.options;
  await site.prepare();
  site.endOrphans();
  refuseRunning(site, `replacing the data in ${dataDir}`);
  await site.files.directory(dirname(dataDir), 0o755);
  const second = !(await isMountPoint(dataDir)) && (await tablespacesOf(dataDir)).length === 0;
  if (!second) return makeInPlace(site, step, make);
  try {
    await makeBeside(site, step, keepOld, make);
  } catch (error) {
    const noRight = ['EACCES', 'EPERM', 'EXDEV', 'EBUSY'].includes(fileErrorCode(error) ?? '');
    const full = error instanceof StepError && error.code === 'disk-full';
    if (!noRight && !full) throw error;
    log.warn('database.no_second_copy', 'no room for a second copy of the data: the old one is removed first', {
      data_dir: dataDir,
      reason: error instanceof Error ? error.message : String(error),
    });
    budget.check(`replacing the data in ${dataDir}`);
    await removeData(site, site.paths.fresh).catch(() => undefined);
    await removeKept(site, 0);
    await makeInPlace(site, step, make);
  }
};
