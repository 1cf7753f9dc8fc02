import { open, stat } from 'node:fs/promises';
import { ifMissing } from '../engine/files.ts';
import type { Row } from './session.ts';

/** Where the server's messages can be read by us: in English, in the file that we gave it. */
export const LOGGING = `
  select current_setting('lc_messages') as language, current_setting('logging_collector') as collector,
         current_setting('log_destination') as destination, current_setting('log_min_messages') as least`;

/** The end of a wait that was cancelled: the client is told that it committed, with a warning that few read (C7). */
const CANCELLED = 'canceling wait for synchronous replication due to user request';
const LEAST: ReadonlySet<string> = new Set([
  'debug5',
  'debug4',
  'debug3',
  'debug2',
  'debug1',
  'info',
  'notice',
  'warning',
]);
const CHUNK = 262_144;

export const isReadable = (row: Row | undefined): boolean =>
  /^(|C|POSIX|C\..*|en.*)$/.test(row?.['language'] ?? '?') &&
  row?.['collector'] === 'off' &&
  (row['destination'] ?? '').includes('stderr') &&
  LEAST.has(row['least'] ?? '');

/** Counts commits that were acknowledged without their voters, from the moment it is made on. */
export interface WeakAcks {
  /** Reads what the log has grown by, a piece at a time. */
  read(): Promise<void>;
  count(): number;
}

export const createWeakAcks = (path: string): WeakAcks => {
  let offset: number | undefined;
  let rest = '';
  let count = 0;
  return {
    read: async () => {
      const size = (await stat(path).catch(ifMissing))?.size ?? 0;
      if (offset === undefined || size < offset) {
        offset = offset === undefined ? size : 0;
        rest = '';
      }
      const length = Math.min(CHUNK, size - offset);
      if (length <= 0) return;
      const handle = await open(path, 'r').catch(ifMissing);
      if (handle === undefined) return;
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), { position: offset });
        const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
        rest = lines.pop()?.slice(-1_000) ?? '';
        offset += bytesRead;
        count += lines.filter((line) => line.includes(CANCELLED)).length;
      } finally {
        await handle.close();
      }
    },
    count: () => count,
  };
};
