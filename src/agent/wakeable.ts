import { ms } from '../core/brand.ts';
import type { Clock } from '../ports/clock.ts';

/** A piece of work that is done again and again: after a delay, or at once when woken. Never twice at the same time. */
export interface Wakeable {
  /** Do it now; when it is being done, do it once more afterwards. */
  wake(): void;
  /** Ends when the work under way has ended. */
  stop(): Promise<void>;
}

/**
 * Repeats `work`, which returns the milliseconds until it wants to be done again. An exception of `work` is a bug: it goes
 * to `failed`, and the work goes on after a second.
 */
export const createWakeable = (deps: {
  readonly clock: Clock;
  readonly work: (signal: AbortSignal) => Promise<number>;
  readonly failed: (error: unknown) => void;
}): Wakeable => {
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  let again = false;
  let cancel: (() => void) | undefined;

  const turn = async (): Promise<void> => {
    let wait = 0;
    do {
      again = false;
      try {
        wait = await deps.work(closing.signal);
      } catch (error) {
        if (!closing.signal.aborted) deps.failed(error);
        wait = 1_000;
      }
    } while (again && !closing.signal.aborted);
    running = undefined;
    if (!closing.signal.aborted) cancel = deps.clock.timer(ms(Math.max(1, wait)), wake);
  };

  const wake = (): void => {
    if (closing.signal.aborted) return;
    again = true;
    if (running !== undefined) return;
    cancel?.();
    cancel = undefined;
    running = turn();
  };

  return {
    wake,
    stop: async () => {
      closing.abort(new Error('closing'));
      cancel?.();
      await running;
    },
  };
};
