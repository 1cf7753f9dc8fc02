import { z } from 'zod';
import { readIfThere } from './files.ts';
import type { Site } from './site.ts';

/** A step that leaves the data directory unusable while it runs. */
export type Unfinished = 'initialize' | 'clone' | 'rewind';

const schema = z.object({ step: z.enum(['initialize', 'clone', 'rewind']) });

/** The step that was interrupted, by a file outside the data; an unreadable file counts as an interrupted clone. */
export const unfinished = async (site: Site): Promise<Unfinished | undefined> => {
  const text = await readIfThere(site.paths.marker);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text)).step;
  } catch {
    return 'clone';
  }
};

/** From here on until `markFinished` the data directory is no database, whatever happens. */
export const markUnfinished = async (site: Site, step: Unfinished): Promise<void> => {
  await site.prepare();
  await site.files.write(site.paths.marker, `${JSON.stringify({ step, at: site.options.clock.wall() })}\n`);
};

export const markFinished = (site: Site): Promise<void> => site.files.remove(site.paths.marker);
