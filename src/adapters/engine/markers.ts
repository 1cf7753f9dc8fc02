import { z } from 'zod';
import { readIfThere } from './files.ts';
import type { Place } from './place.ts';

/** A step that leaves the data directory unusable while it runs. */
export type Unfinished = 'initialize' | 'clone' | 'rewind';

const schema = z.object({ step: z.enum(['initialize', 'clone', 'rewind']) });

/** The step that was interrupted, by a file outside the data; an unreadable file counts as an interrupted clone. */
export const unfinished = async (place: Place): Promise<Unfinished | undefined> => {
  const text = await readIfThere(place.paths.marker);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text)).step;
  } catch {
    return 'clone';
  }
};

/** From here on until `markFinished` the data directory is no database, whatever happens. */
export const markUnfinished = async (place: Place, step: Unfinished): Promise<void> => {
  await place.prepare();
  await place.files.write(place.paths.marker, `${JSON.stringify({ step, at: place.options.clock.wall() })}\n`);
};

export const markFinished = (place: Place): Promise<void> => place.files.remove(place.paths.marker);
