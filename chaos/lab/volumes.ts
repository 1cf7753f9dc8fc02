import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LabVolumes } from './lab.ts';

const DEADLINE_MS = 20_000;
const run = promisify(execFile);
const BALLAST = 'ballast';

/** Disks of a lab: ext4 in a sparse file each, so that one can be full or hang without the others. */
export interface Volumes extends LabVolumes {
  /** Makes a host's disk and mounts it at `place`, an empty directory below the lab's. */
  add(host: string, place: string, bytes: number): Promise<void>;
}

/** Whether disks can be made here; else why not. */
export const whyNoVolumes = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'hosts with a disk of their own need root';
  try {
    await run('losetup', ['--find'], { timeout: DEADLINE_MS });
    await run('mkfs.ext4', ['-V'], { timeout: DEADLINE_MS });
    return undefined;
  } catch (error) {
    return `hosts with a disk of their own need loop devices and mkfs.ext4: ${String(error)}`;
  }
};

/** Where something is mounted below a directory, the innermost first. */
const mountsBelow = (directory: string): readonly string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((place) => place.startsWith(`${directory}/`))
    .toReversed();

/** Lets every disk of a lab go on that hangs: until then nobody who uses it can be killed. */
export const releaseVolumes = async (labDir: string): Promise<void> => {
  for (const place of mountsBelow(labDir))
    await run('fsfreeze', ['--unfreeze', place], { timeout: DEADLINE_MS }).catch(() => undefined); // it did not hang
};

/** Takes the disks of a lab away; its processes must be gone. */
export const removeVolumes = async (labDir: string): Promise<void> => {
  for (const place of mountsBelow(labDir)) await run('umount', ['--lazy', place], { timeout: DEADLINE_MS });
};

export const createVolumes = (labDir: string): Volumes => {
  const images = join(labDir, 'disks');
  mkdirSync(images);
  const places = new Map<string, string>();
  const placeOf = (host: string): string => {
    const found = places.get(host);
    if (found === undefined)
      throw new Error(`the lab has no disk of "${host}", only of ${[...places.keys()].join(', ')}`);
    return found;
  };
  return {
    add: async (host, place, bytes) => {
      const image = join(images, host);
      await run('truncate', ['--size', String(bytes), image], { timeout: DEADLINE_MS });
      await run('mkfs.ext4', ['-q', '-m', '0', '-E', 'root_owner=0:0', image], { timeout: DEADLINE_MS });
      await run('mount', ['-o', 'loop', image, place], { timeout: DEADLINE_MS });
      places.set(host, place);
    },
    hang: async (host) => {
      await run('fsfreeze', ['--freeze', placeOf(host)], { timeout: DEADLINE_MS });
    },
    release: async (host) => {
      // refused where it does not hang: then there is nothing to do
      await run('fsfreeze', ['--unfreeze', placeOf(host)], { timeout: DEADLINE_MS }).catch(() => undefined);
    },
    fill: async (host) => {
      const place = placeOf(host);
      const ballast = join(place, BALLAST);
      // Others write meanwhile: what is left after the bulk is taken piece by piece.
      const { bavail, bsize } = statfsSync(place);
      await run('fallocate', ['--length', String(Math.max(bsize, (bavail - 64) * bsize)), ballast], {
        timeout: DEADLINE_MS,
      });
      await run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k', 'oflag=append', 'conv=notrunc'], {
        timeout: DEADLINE_MS,
      }).catch(() => undefined); // it ends when there is no room left
    },
    empty: (host) => {
      rmSync(join(placeOf(host), BALLAST), { force: true });
      return Promise.resolve();
    },
  };
};
