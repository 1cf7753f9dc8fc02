import { openSync, readSync } from 'node:fs';
import type { Ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';

/** Longer delays make Node fire at once instead of late. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * The clocks of this host. `mono` is CLOCK_MONOTONIC (nanoseconds, kept as a fraction of a millisecond), `boot` is what
 * /proc/uptime says (suspended time included, rounded down to 10 ms); both mean the same in every process of one host.
 * The coarse `boot` never makes a holder late by more than 10 ms, and only after a suspend: otherwise `mono` decides (D4).
 */
export const createClock = (): Clock => {
  const timer: Clock['timer'] = (ms, callback, options = {}) => {
    let left = Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const start = (): void => {
      const part = Math.min(left, LONGEST_TIMER);
      left -= part;
      handle = setTimeout(() => (left > 0 ? start() : callback()), part);
      if (options.unref === true) handle.unref();
    };
    start();
    return () => clearTimeout(handle);
  };

  const boot = createBootClock();
  return {
    now: () => ({ mono: Number(process.hrtime.bigint()) / 1e6, boot: boot() }),
    wall: () => Date.now(),
    timer,
    sleep: (ms: Ms, { signal }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const aborted = (): void => {
          cancel();
          reject(signal.reason);
        };
        const cancel = timer(ms, () => {
          signal.removeEventListener('abort', aborted);
          resolve();
        });
        signal.addEventListener('abort', aborted, { once: true });
      }),
  };
};

/** Milliseconds since boot. The file stays open: opening it for each of some fifty looks a second would cost ten times as much. */
const createBootClock = (): (() => number) => {
  const file = openSync('/proc/uptime', 'r');
  const text = Buffer.alloc(64);
  return () => {
    const size = readSync(file, text, 0, text.length, 0);
    const seconds = Number(text.toString('latin1', 0, text.indexOf(0x20)));
    if (!(seconds > 0))
      throw new Error(`/proc/uptime says '${text.toString('latin1', 0, size)}', not the seconds since boot`);
    return seconds * 1e3;
  };
};
