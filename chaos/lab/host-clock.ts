import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabClock } from './lab.ts';

export interface HostClocks extends LabClock {
  /** The environment of everything that runs on a host. */
  env(host: string): Readonly<Record<string, string>>;
}

const LIBRARIES = '/usr/lib';
const NAME = 'faketime/libfaketimeMT.so.1';

/** The library that shows a process another wall clock; undefined where it is not installed. */
export const findFaketime = (): string | undefined =>
  ['.', ...readdirSync(LIBRARIES)].map((folder) => join(LIBRARIES, folder, NAME)).find((file) => existsSync(file));

/** Wall clocks that can be stepped, one for each host. */
export const createHostClocks = (labDir: string, library: string): HostClocks => {
  const dir = join(labDir, 'clocks');
  mkdirSync(dir);
  const set = (host: string, seconds: number): void => {
    const file = join(dir, host);
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
    renameSync(`${file}.new`, file);
  };
  return {
    env: (host) => {
      set(host, 0);
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: join(dir, host),
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DISABLE_SHM: '1',
      };
    },
    step: (host, seconds) => {
      set(host, seconds);
      return Promise.resolve();
    },
  };
};
