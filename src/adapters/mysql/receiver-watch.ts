import type { ReceiverView } from '../../core/database.ts';
import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';

/** Turns what the server says of its receiver into what the core asks: since when a stream is missed. */
export const createReceiverWatch = (clock: Clock): ((state: ReceiverView['state']) => ReceiverView) => {
  let streamed = false;
  let endedAt: Instant | undefined;
  return (state) => {
    if (state === 'streaming') {
      streamed = true;
      endedAt = undefined;
    } else if (streamed) endedAt ??= clock.now();
    return {
      state,
      heardAgoMs: undefined,
      endedAgoMs: endedAt === undefined ? undefined : elapsedAtMost(endedAt, clock.now()),
    };
  };
};
