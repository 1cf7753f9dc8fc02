import { readdir, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { ifMissing, type Files } from '../engine/files.ts';
import type { Place } from '../engine/place.ts';

const entriesOf = async (path: string): Promise<readonly string[]> => (await readdir(path).catch(ifMissing)) ?? [];

const foldersOf = async (dataDir: string): Promise<readonly string[]> => {
  const links = await entriesOf(join(dataDir, 'pg_tblspc'));
  const targets = await Promise.all(links.map((name) => readlink(join(dataDir, 'pg_tblspc', name)).catch(() => '')));
  return targets.filter((target) => isAbsolute(target));
};

/** Folders outside the data directory that hold its tablespaces' files. */
export const createTablespaces = (files: Files): Place['outside'] => ({
  folders: foldersOf,
  empty: async (dataDir) => {
    for (const folder of await foldersOf(dataDir))
      for (const name of await entriesOf(folder)) if (name.startsWith('PG_')) await files.remove(join(folder, name));
  },
});
