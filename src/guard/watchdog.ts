import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * The machine's own watchdog: once opened it resets the host unless pinged in time, so it covers what stops the guard.
 * Pinged only by accepted deadlines: its timeout therefore counts from the last proof of leadership.
 */
export interface Watchdog {
  ping(): void;
  /** Lets it go without a reset (magic close). Only where nothing runs any more that it would have to stop. */
  release(): void;
}

/**
 * `leftOpen`: a predecessor had it open and could not release it. Problems are told to `problem` and change nothing:
 * whether the guard may work without is the agent's decision.
 */
export const createWatchdog = (
  path: string | undefined,
  leftOpen: boolean,
  problem: (why: string) => void,
): Watchdog => {
  if (path === undefined) return { ping: () => undefined, release: () => undefined };
  let device: number | undefined;
  let ticking = leftOpen;

  const attempt = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      problem(`${what} the watchdog ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const open = (): number => (device ??= openSync(path, constants.O_WRONLY | constants.O_APPEND));

  if (setting(path, 'nowayout') === '1')
    problem(`the watchdog ${path} has nowayout set: the host will be reset even after a clean end of leadership`);
  return {
    ping: () =>
      attempt('pinging', () => {
        ticking = true;
        writeSync(open(), '1');
      }),
    release: () => {
      if (!ticking) return;
      attempt('releasing', () => {
        const opened = open();
        writeSync(opened, 'V');
        closeSync(opened);
        device = undefined;
        ticking = false;
      });
    },
  };
};

const setting = (path: string, name: string): string | undefined => {
  try {
    const device = basename(path) === 'watchdog' ? 'watchdog0' : basename(path);
    return readFileSync(`/sys/class/watchdog/${device}/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
};
