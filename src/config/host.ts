import { closeSync, fstatSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';

/** What reading a configuration needs to know of this host. */
export interface Host {
  readonly uid: number;
  readonly name: string;
  /** The text of a file with its permissions, or why it cannot be read. */
  read(path: string): HostFile;
  /** Names in a directory; empty where it cannot be read. */
  list(directory: string): readonly string[];
  kindOf(path: string): 'file' | 'directory' | 'other' | 'missing';
}

type HostFile =
  | { readonly kind: 'read'; readonly text: string; readonly mode: number; readonly uid: number }
  | { readonly kind: 'unreadable'; readonly why: string };

const LARGEST_FILE = 1024 * 1024;

const because = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** This host, through the file system. */
export const createHost = (): Host => ({
  uid: process.getuid?.() ?? 0,
  name: hostname(),
  read: (path) => {
    try {
      const file = openSync(path, 'r');
      try {
        // The permissions of the very file that is read, not of what lies at the path a moment later.
        const { mode, uid, size } = fstatSync(file);
        if (size > LARGEST_FILE) return { kind: 'unreadable', why: `it is larger than ${LARGEST_FILE} bytes` };
        return { kind: 'read', text: readFileSync(file, 'utf8'), mode: mode & 0o7777, uid };
      } finally {
        closeSync(file);
      }
    } catch (error) {
      return { kind: 'unreadable', why: because(error) };
    }
  },
  list: (directory) => {
    try {
      return readdirSync(directory);
    } catch {
      return [];
    }
  },
  kindOf: (path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return 'missing';
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'directory' : 'other';
  },
});
