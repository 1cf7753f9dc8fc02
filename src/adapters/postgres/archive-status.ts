import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from '../engine/files.ts';

const SEGMENT_DONE = /^([0-9A-F]{24})\.done$/;

/**
 * Hands the complete segments that this replica received to the archiver it will have as primary: the old primary may have died
 * before it archived them, and a replica calls everything done. An archive command must accept a file that it has already.
 * Returns how many.
 */
export const offerSegments = async (dataDir: string): Promise<number> => {
  const status = join(dataDir, 'pg_wal', 'archive_status');
  const names = (await readdir(status).catch(ifMissing)) ?? [];
  const present = new Set(await readdir(join(dataDir, 'pg_wal')));
  const segments = names
    .flatMap((name) => SEGMENT_DONE.exec(name)?.[1] ?? [])
    .filter((segment) => present.has(segment));
  for (const segment of segments)
    await rename(join(status, `${segment}.done`), join(status, `${segment}.ready`)).catch(ifMissing);
  return segments.length;
};
