import { z } from 'zod';
import { readIfThere } from './files.ts';
import type { Place } from './place.ts';

const schema = z.object({ state: z.string().min(1) });

/**
 * Remembers new data that the engine's own installer has made, outside the data: `state` is how the engine describes it, in words
 * that every start of a server changes. Written before the data takes its place, forgotten before its first start.
 */
export const markPristine = (place: Place, state: string): Promise<void> =>
  place.files.write(place.paths.pristine, `${JSON.stringify({ state })}\n`);

export const forgetPristine = (place: Place): Promise<void> => place.files.remove(place.paths.pristine);

/** Whether the data is what was made then and nothing else: an unreadable mark says that it is not. */
export const isPristine = async (place: Place, state: string): Promise<boolean> => {
  const text = await readIfThere(place.paths.pristine);
  if (text === undefined) return false;
  try {
    return schema.parse(JSON.parse(text)).state === state;
  } catch {
    return false;
  }
};
