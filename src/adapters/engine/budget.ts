import { ms, type Ms } from '../../core/brand.ts';
import { after, remaining } from '../../core/instant.ts';
import { StepError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Step } from '../../ports/database.ts';

/** The time of one step, shared out among its parts. */
export interface Budget {
  readonly signal: AbortSignal;
  /** A part of the step: at most `most` milliseconds, never more than is left. */
  part(most?: number): Step;
  left(): Ms;
  /** Throws `StepError` `timed-out` (or the signal's reason) once the step's time is over. */
  check(what: string): void;
  /**
   * Asks `found` every `every` milliseconds until it returns something; `undefined` at the end of `within` (at most what
   * is left of the step). Rejects at an abort.
   */
  poll<T>(every: number, within: number, found: () => Promise<T | undefined> | T | undefined): Promise<T | undefined>;
}

export const budgetOf = (clock: Clock, step: Step): Budget => {
  const deadline = after(clock.now(), step.timeout);
  const left = (): Ms => ms(Math.max(0, remaining(deadline, clock.now())));
  return {
    signal: step.signal,
    left,
    part: (most = Number.POSITIVE_INFINITY) => ({
      signal: step.signal,
      timeout: ms(Math.max(1, Math.min(left(), most))),
    }),
    check: (what) => {
      step.signal.throwIfAborted();
      if (left() <= 0) throw new StepError('timed-out', `${what}: not done within ${Math.round(step.timeout)} ms`);
    },
    poll: async (every, within, found) => {
      const end = after(clock.now(), ms(Math.min(within, left())));
      for (;;) {
        step.signal.throwIfAborted();
        const value = await found();
        if (value !== undefined) return value;
        const rest = remaining(end, clock.now());
        if (rest <= 0) return undefined;
        await clock.sleep(ms(Math.min(every, rest)), { signal: step.signal });
      }
    },
  };
};
