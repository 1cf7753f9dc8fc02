import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of a stopped server's data as they lie there: any start writes some of them. */
export const dataState = async (dataDir: string): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(dataDir)).toSorted()) {
    const { size, mtimeNs } = await stat(join(dataDir, name), { bigint: true });
    hash.update(`${name}\0${size}\0${mtimeNs}\0`);
  }
  return `files ${hash.digest('hex')}`;
};
