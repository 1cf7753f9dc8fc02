import { readdir, stat } from 'node:fs/promises';
import { fileErrorCode } from '../engine/files.ts';
import type { Site } from './site.ts';

/** What kind of directory the data directory is, before any server is asked. */
export type DirectoryState =
  { readonly kind: 'empty' } | { readonly kind: 'unusable'; readonly why: string } | { readonly kind: 'data' };

const unusable = (why: string): DirectoryState => ({ kind: 'unusable', why });

export const inspectDirectory = async (site: Site): Promise<DirectoryState> => {
  const { dataDir, osUser } = site.options;
  try {
    const found = await stat(dataDir);
    if (!found.isDirectory()) return unusable(`${dataDir} is no directory; correct data_dir`);
    const content = await readdir(dataDir);
    if (content.length === 0) return { kind: 'empty' };
    if (content.length === 1 && content[0] === 'lost+found')
      return unusable(`${dataDir} is the root of a file system; set data_dir to a folder below it`);
    const owner = osUser?.uid ?? process.getuid?.() ?? found.uid;
    if (found.uid !== owner)
      return unusable(
        `${dataDir} belongs to user ${found.uid}, the server would run as ${owner}; give it to that user`,
      );
    if (!content.includes('ibdata1') || !content.includes('mysql'))
      return unusable(
        `${dataDir} holds ${content.length} entries but no database (no ibdata1); empty it or correct data_dir`,
      );
    return { kind: 'data' };
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return { kind: 'empty' };
    return unusable(`${dataDir} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};
