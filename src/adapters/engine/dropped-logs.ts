import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { LostTail } from '../../core/database.ts';
import { ifMissing, readIfThere } from './files.ts';

const schema = z.object({
  folder: z.string(),
  generation: z.number().int(),
  from: z.string(),
  bytes: z.number(),
  commits: z.number().int(),
});

/** What was dropped last, as the files beside the kept log tell; a file that cannot be read counts as none. */
interface DroppedLogs {
  read(): Promise<void>;
  last(): LostTail | undefined;
}

export const createDroppedLogs = ({ paths }: { readonly paths: { readonly lostTails: string } }): DroppedLogs => {
  let newest = '';
  let dropped: LostTail | undefined;
  return {
    read: async () => {
      const names = ((await readdir(paths.lostTails).catch(ifMissing)) ?? []).filter((name) =>
        name.startsWith('lost-'),
      );
      const last = names.toSorted().at(-1);
      if (last === undefined || last === newest) return;
      const text = await readIfThere(join(paths.lostTails, last, 'lost.json'));
      if (text === undefined) return;
      newest = last;
      const found = schema.safeParse(JSON.parse(text));
      dropped = found.success ? found.data : undefined;
    },
    last: () => dropped,
  };
};
