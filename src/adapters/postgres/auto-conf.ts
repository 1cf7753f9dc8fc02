import { join } from 'node:path';
import { readIfThere } from '../engine/files.ts';
import { isOurs } from './parameters.ts';
import type { Site } from './site.ts';

/** The lines of postgresql.auto.conf without those that set a parameter of ours. */
export const withoutOurs = (text: string): string =>
  text
    .split('\n')
    .filter((line) => {
      const name = /^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*[=\s]/.exec(line)?.[1];
      return name === undefined || !isOurs(name.toLowerCase());
    })
    .join('\n');

/**
 * Takes our parameters out of what ALTER SYSTEM left: it would beat our file with a value from an earlier reign or, after a
 * clone, from another member (C12).
 */
export const cleanAutoConf = async (site: Site, dataDir: string): Promise<void> => {
  const path = join(dataDir, 'postgresql.auto.conf');
  const text = await readIfThere(path);
  if (text === undefined) return;
  const clean = withoutOurs(text);
  if (clean !== text) await site.files.write(path, clean);
};
