import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeContainers } from './containers/leftovers.ts';
import { findProc, killUntilNone, procsOfLab } from './proc.ts';
import { releaseVolumes, removeVolumes } from './volumes.ts';

const PREFIX = 'haagent-lab-';
const OWNER = 'owner';

/** A lab's directory. Everything started in it ends with it, also when the process that made it dies. */
export interface Home {
  readonly dir: string;
  /** Kills what still runs in it; removes it unless `keep`. Can be called twice. */
  release(options?: { readonly keep?: boolean }): Promise<void>;
}

const describeOwner = (pid: number): string => `${pid} ${findProc(pid)?.startTime ?? ''}`;

const isAbandoned = (dir: string): boolean => {
  try {
    const [pid, startTime] = readFileSync(join(dir, OWNER), 'utf8').split(' ');
    return findProc(Number(pid))?.startTime !== startTime;
  } catch {
    return false; // being made just now, or kept on purpose
  }
};

/** Ends what labs left behind whose process died together with its reaper. Returns the directories that were removed. */
export const sweepAbandoned = async (): Promise<readonly string[]> => {
  const root = realpathSync(tmpdir());
  const abandoned = readdirSync(root)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(root, name))
    .filter(isAbandoned);
  for (const dir of abandoned) await clear(dir, false);
  return abandoned;
};

/** Ends every container and process of the lab in `dir`, then removes the directory (or only the claim to it). */
export const clear = async (dir: string, keep: boolean): Promise<void> => {
  await releaseVolumes(dir);
  await removeContainers(dir);
  await killUntilNone(() => procsOfLab(dir));
  await removeVolumes(dir);
  rmSync(keep ? join(dir, OWNER) : dir, { recursive: true, force: true });
};

/** Makes a directory below /tmp that other users can enter, watched by a reaper that outlives this process. */
export const createHome = async (): Promise<Home> => {
  await sweepAbandoned();
  const dir = mkdtempSync(join(realpathSync(tmpdir()), PREFIX));
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, OWNER), describeOwner(process.pid));
  const reaper = spawn(process.execPath, [fileURLToPath(new URL('reaper.ts', import.meta.url)), dir], {
    cwd: '/',
    detached: true, // a Ctrl-C meant for this process must not end the one that cleans up after it
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  reaper.unref();
  const lifeline = reaper.stdin;
  lifeline.on('error', () => undefined); // a reaper that was killed is replaced by the next lab's sweep
  let released: Promise<void> | undefined;
  return {
    dir,
    release: ({ keep = false } = {}) => {
      released ??= clear(dir, keep).finally(() => lifeline.end());
      return released;
    },
  };
};
