import type { Ms } from '../../core/brand.ts';
import { StepError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/**
 * The result of `promise`, or the signal's reason as rejection when that comes first. The promise itself goes on; what it
 * does later is ignored. Leaves no listener behind.
 */
export const raceAbort = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });

/** A signal that follows others. Dispose it (`using`) and none of them keeps a listener. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/** Aborted as soon as one of `signals` is, with its reason, or by `abort`. */
export const linkSignals = (...signals: readonly AbortSignal[]): LinkedSignal => {
  const controller = new AbortController();
  const follow = (event: Event): void => {
    if (event.target instanceof AbortSignal) controller.abort(event.target.reason);
  };
  for (const signal of signals)
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      for (const signal of signals) signal.removeEventListener('abort', follow);
    },
  };
};

/**
 * Runs `work` with a signal that follows `signal` and is aborted after `ms`. Always settles by then, also when `work`
 * does not heed its signal. Rejects with `StepError` code `timed-out` at the deadline, with the signal's reason at an
 * abort, with whatever `work` threw otherwise. `what` names the work in the message: "asking X for its position".
 */
export const withDeadline = async <T>(
  clock: Clock,
  ms: Ms,
  signal: AbortSignal,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  using linked = linkSignals(signal);
  const cancel = clock.timer(ms, () =>
    linked.abort(new StepError('timed-out', `${what}: not done within ${Math.round(ms)} ms`)),
  );
  try {
    return await raceAbort(work(linked.signal), linked.signal);
  } finally {
    cancel();
  }
};
