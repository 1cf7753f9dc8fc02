import { join } from 'node:path';
import { z } from 'zod';
import type { Step } from '../../ports/database.ts';
import { readIfThere } from '../engine/files.ts';
import type { Gtids } from './dialect.ts';
import type { Site } from './site.ts';

/** How far the log reached when the server was stopped cleanly, or a copy was made ready. */
export interface CleanEnd {
  readonly gtids: Gtids;
  readonly generation: number;
  readonly wasPrimary: boolean;
  /** Everything that had been received was applied. */
  readonly whole: boolean;
}

const schema = z.object({
  gtids: z.string(),
  generation: z.number().int().min(0),
  wasPrimary: z.boolean(),
  whole: z.boolean().default(false),
});

/** `undefined` where the last end was not a clean one, or not ours. */
export const readCleanEnd = async (site: Site): Promise<CleanEnd | undefined> => {
  const text = await readIfThere(site.paths.cleanEnd);
  try {
    return text === undefined ? undefined : schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

export const writeCleanEnd = (site: Site, end: CleanEnd): Promise<void> =>
  site.files.write(site.paths.cleanEnd, `${JSON.stringify(end)}\n`);

/** Before a start: from then on the file would be a lie. */
export const forgetCleanEnd = (site: Site): Promise<void> => site.files.remove(site.paths.cleanEnd);

/**
 * The end of the log after the server is gone. What the server itself wrote down as it closed its log counts, where the
 * flavour has that; `asked` is what it said before, when it took no more writes.
 */
export const endAfterStop = async (site: Site, asked: Gtids, step: Step): Promise<Gtids> => {
  const { cleanEnd, contains } = await site.dialect(step);
  if (cleanEnd === undefined) return asked;
  const text = await readIfThere(join(site.options.dataDir, cleanEnd.file));
  const closed = text === undefined ? undefined : cleanEnd.read(text);
  return closed !== undefined && contains(closed, asked) ? closed : asked;
};
