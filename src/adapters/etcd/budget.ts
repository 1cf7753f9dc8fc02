import { ms, type Ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Call } from '../../ports/consensus.ts';

/** The time of one call, over all its tries. */
export interface Budget {
  /** Aborted when the time is over, the caller gives up or the store closes. */
  readonly signal: AbortSignal;
  left(): Ms;
  /** Why the signal was aborted; undefined while it is not. */
  ended(): 'deadline' | 'cancelled' | undefined;
  /** Takes all listeners and timers away. */
  release(): void;
}

/** gRPC's own deadline comes first and knows more about what happened; this one holds when the wall clock steps. */
const GRACE_MS = 20;

export const createBudget = (call: Call, deps: { readonly clock: Clock; readonly closing: AbortSignal }): Budget => {
  const { clock, closing } = deps;
  const controller = new AbortController();
  const from = clock.now();
  let ended: 'deadline' | 'cancelled' | undefined;
  const end = (why: 'deadline' | 'cancelled'): void => {
    ended ??= why;
    controller.abort();
  };
  const cancel = (): void => end('cancelled');
  const stopTimer = clock.timer(ms(call.timeout + GRACE_MS), () => end('deadline'));
  call.signal.addEventListener('abort', cancel, { once: true });
  closing.addEventListener('abort', cancel, { once: true });
  if (call.signal.aborted || closing.aborted) cancel();
  return {
    signal: controller.signal,
    left: () => ms(Math.max(0, call.timeout - elapsedAtMost(from, clock.now()))),
    ended: () => ended,
    release: () => {
      stopTimer();
      call.signal.removeEventListener('abort', cancel);
      closing.removeEventListener('abort', cancel);
    },
  };
};
