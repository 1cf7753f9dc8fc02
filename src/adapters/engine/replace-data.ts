import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StepError } from '../../core/errors.ts';
import type { Budget } from './budget.ts';
import { fileErrorCode, ifMissing } from './files.ts';
import { markFinished, markUnfinished, type Unfinished } from './markers.ts';
import type { Place } from './place.ts';

const entriesOf = async (path: string): Promise<readonly string[]> => (await readdir(path).catch(ifMissing)) ?? [];

const removeData = async (place: Place, dataDir: string): Promise<void> => {
  await place.outside.empty(dataDir);
  await place.files.remove(dataDir);
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

const removeKept = async (place: Place, from: number): Promise<void> => {
  for (const path of (await keptCopies(place.options.dataDir)).slice(from)) await place.files.remove(path);
};

/** Puts finished data into its place; the old goes aside or away. */
const swap = async (place: Place, step: Unfinished, keepOld: boolean): Promise<void> => {
  const { options, files, paths } = place;
  await markUnfinished(place, step);
  if ((await entriesOf(options.dataDir)).length > 0 && keepOld) {
    const stamp = new Date(options.clock.wall()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    await files.move(options.dataDir, `${options.dataDir}.kept-${stamp}`);
    await removeKept(place, 1);
  } else await files.remove(options.dataDir);
  await files.move(paths.fresh, options.dataDir);
  await markFinished(place);
};

const makeBeside = async (place: Place, step: Unfinished, keepOld: boolean, make: (dir: string) => Promise<void>) => {
  const { options, paths, files } = place;
  await removeData(place, paths.fresh);
  // While old data is there and whole, an interruption loses nothing; without it, it must be seen.
  if ((await entriesOf(options.dataDir)).length === 0) await markUnfinished(place, step);
  await files.directory(paths.fresh);
  await make(paths.fresh);
  await swap(place, step, keepOld);
};

const makeInPlace = async (place: Place, step: Unfinished, make: (dir: string) => Promise<void>): Promise<void> => {
  const { dataDir } = place.options;
  await markUnfinished(place, step);
  await place.outside.empty(dataDir);
  for (const name of await entriesOf(dataDir)) await place.files.remove(join(dataDir, name));
  await place.files.directory(dataDir);
  await make(dataDir);
  await markFinished(place);
};

/** A server whose directory is renamed under it would go on, found by nobody, not even by a fence. */
export const refuseRunning = (place: Place, what: string): void => {
  const running = place.options.processes.within(place.options.dataDir).length;
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
  place: Place,
  step: Unfinished,
  { keepOld }: { readonly keepOld: boolean },
  budget: Budget,
  make: (directory: string) => Promise<void>,
): Promise<void> => {
  const { dataDir, log } = place.options;
  await place.prepare();
  place.endOrphans();
  refuseRunning(place, `replacing the data in ${dataDir}`);
  await place.files.directory(dirname(dataDir), 0o755);
  const second = !(await isMountPoint(dataDir)) && (await place.outside.folders(dataDir)).length === 0;
  if (!second) return makeInPlace(place, step, make);
  try {
    await makeBeside(place, step, keepOld, make);
  } catch (error) {
    const noRight = ['EACCES', 'EPERM', 'EXDEV', 'EBUSY'].includes(fileErrorCode(error) ?? '');
    const full = error instanceof StepError && error.code === 'disk-full';
    if (!noRight && !full) throw error;
    log.warn('database.no_second_copy', 'no room for a second copy of the data: the old one is removed first', {
      data_dir: dataDir,
      reason: error instanceof Error ? error.message : String(error),
    });
    budget.check(`replacing the data in ${dataDir}`);
    await removeData(place, place.paths.fresh).catch(() => undefined);
    await removeKept(place, 0);
    await makeInPlace(place, step, make);
  }
};
