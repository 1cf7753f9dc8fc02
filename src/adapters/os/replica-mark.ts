import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ms, type Ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { withDeadline } from './abort.ts';

/**
 * Puts the replica mark back, durably (file and directory), with its owner. Returns what went wrong, or `undefined`.
 * A directory that is gone needs no mark: there is nothing left to start.
 */
export const restoreMark = async (target: GuardTarget, clock: Clock, timeout: Ms): Promise<string | undefined> => {
  const what = `putting the replica mark ${target.replicaMark} back`;
  try {
    const write = writeMark(target);
    await withDeadline(clock, ms(Math.max(timeout, 1)), new AbortController().signal, what, () => write);
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    return `${what}: ${error instanceof Error ? error.message : String(error)}; the next start could come up as a primary`;
  }
};

const writeMark = async ({ replicaMark, uid, gid }: GuardTarget): Promise<void> => {
  await using file = await open(replicaMark, 'a', 0o600);
  if (uid !== undefined && process.getuid?.() === 0) await file.chown(uid, gid ?? uid);
  await file.sync();
  await syncDirectory(dirname(replicaMark));
};

const syncDirectory = async (path: string): Promise<void> => {
  await using directory: FileHandle = await open(path, 'r');
  await directory.sync();
};

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
