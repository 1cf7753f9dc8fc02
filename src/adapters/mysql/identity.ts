import { randomBytes } from 'node:crypto';
import { join, basename } from 'node:path';
import { readIfThere } from '../engine/files.ts';
import type { Site } from './site.ts';

const ID = /^[0-9a-f-]{8,40}$/;

export const newIdentity = (): string => randomBytes(8).toString('hex');

/** Who the data in a directory is; `undefined` where nobody has said so yet. */
export const readIdentity = async (site: Site, dataDir = site.options.dataDir): Promise<string | undefined> => {
  const text = (await readIfThere(join(dataDir, basename(site.paths.identity))))?.trim();
  return text !== undefined && ID.test(text) ? text : undefined;
};

export const writeIdentity = (site: Site, systemId: string, dataDir = site.options.dataDir): Promise<void> =>
  site.files.write(join(dataDir, basename(site.paths.identity)), `${systemId}\n`);
