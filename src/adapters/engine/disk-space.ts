import { statfs } from 'node:fs/promises';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';

/** Less than a second, which is how often a database at rest is looked at: each such look asks. */
const INTERVAL = 900;
const MIB = 1_048_576;
/** Below this a member should not become leader: four segments of a log, a minute of moderate writing. */
const SCARCE = 64 * MIB;
/** Below this the next segment of a log cannot be made, and the server would crash. */
const FULL = 16 * MIB;

/** How much room the database's directories have: asked in the background, never waited for (a dead disk does not answer). */
export interface DiskSpace {
  tick(): void;
  /** A sentence where no log segment can be made any more; undefined: there is room, or it is not known. */
  full(): string | undefined;
  /** The same where it is nearly so. */
  scarce(): string | undefined;
}

export const createDiskSpace = (clock: Clock, directories: readonly string[]): DiskSpace => {
  let last: Instant | undefined;
  let busy = false;
  let least: { readonly directory: string; readonly free: number } | undefined;

  const look = async (): Promise<void> => {
    const found = await Promise.all(
      directories.map(async (directory) => {
        const { bavail, bsize } = await statfs(directory);
        return { directory, free: bavail * bsize };
      }),
    );
    least = found.reduce((smallest, each) => (each.free < smallest.free ? each : smallest));
  };

  const below = (limit: number): string | undefined =>
    least === undefined || least.free >= limit
      ? undefined
      : `its disk is ${least.free < FULL ? 'full' : 'nearly full'}: ${Math.floor(least.free / MIB)} MiB are free in ${least.directory}`;

  return {
    tick: () => {
      if (busy || (last !== undefined && elapsedAtLeast(last, clock.now()) < INTERVAL)) return;
      last = clock.now();
      busy = true;
      void look()
        .catch(() => {
          least = undefined; // being replaced just now, or unreadable: other observations tell
        })
        .finally(() => {
          busy = false;
        });
    },
    full: () => below(FULL),
    scarce: () => below(SCARCE),
  };
};
