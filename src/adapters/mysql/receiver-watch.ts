import type { ReceiverView } from '../../core/database.ts';
import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ServerFacts } from './dialect.ts';

/** Turns what the server says of its receiver into what the core asks: when the source was last heard, since when a stream is missed. */
export const createReceiverWatch = (
  clock: Pick<Clock, 'now'>,
): ((facts: Pick<ServerFacts, 'receiver' | 'heard'>) => ReceiverView) => {
  let streamed = false;
  let endedAt: Instant | undefined;
  let last: { readonly heard: string; readonly at: Instant } | undefined;
  return ({ receiver: state, heard }) => {
    const now = clock.now();
    if (state === 'streaming') {
      if (!streamed || endedAt !== undefined || last?.heard !== heard) last = { heard, at: now };
      streamed = true;
      endedAt = undefined;
    } else if (streamed) endedAt ??= now;
    return {
      state,
      heardAgoMs: state === 'streaming' && last !== undefined ? elapsedAtMost(last.at, now) : undefined,
      endedAgoMs: endedAt === undefined ? undefined : elapsedAtMost(endedAt, now),
    };
  };
};
