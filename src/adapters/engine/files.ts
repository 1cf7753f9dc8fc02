import { chmod, chown, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Files that survive a power cut, owned by the user that the database runs as. */
export interface Files {
  /** Replaces the file in one step: readers, and a crash, see the old content or the new. */
  write(path: string, content: string, mode?: number): Promise<void>;
  /** Makes a directory (and those above it) unless it is there; hands it to the database's user. */
  directory(path: string, mode?: number): Promise<void>;
  /** Removes a file or a whole tree, durably; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Renames within one file system, durably. */
  move(from: string, to: string): Promise<void>;
}

/** @param owner whom files are given to; heeded only where this process is root. */
export const createFiles = (owner?: { readonly uid: number; readonly gid: number }): Files => {
  const give = async (path: string): Promise<void> => {
    if (owner !== undefined && process.getuid?.() === 0) await chown(path, owner.uid, owner.gid);
  };
  return {
    write: async (path, content, mode = 0o600) => {
      const fresh = `${path}.new`;
      await rm(fresh, { force: true });
      const handle = await open(fresh, 'wx', mode);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await give(fresh);
      await rename(fresh, path);
      await syncDirectory(dirname(path));
    },
    directory: async (path, mode = 0o700) => {
      const made = await mkdir(path, { recursive: true, mode });
      if (made === undefined) return;
      await chmod(path, mode);
      await give(path);
    },
    remove: async (path) => {
      await rm(path, { recursive: true, force: true });
      await syncDirectory(dirname(path));
    },
    move: async (from, to) => {
      await rename(from, to);
      await syncDirectory(dirname(to));
      if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
    },
  };
};

/** Makes renames and removals in a directory durable. */
const syncDirectory = async (path: string): Promise<void> => {
  const handle = await open(path, 'r').catch(ifMissing);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The code of a file system error (`ENOENT`), `undefined` for anything else. */
export const fileErrorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** For `catch`: nothing there is an answer, everything else stays an error. */
export const ifMissing = (error: unknown): undefined => {
  if (fileErrorCode(error) !== 'ENOENT') throw error;
};

/** The text of a file, `undefined` when there is none. */
export const readIfThere = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(ifMissing);
