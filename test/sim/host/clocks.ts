import type { Instant } from '../../../src/core/instant.ts';
import type { World } from '../world.ts';

/** One machine's clocks: they run a little too fast or too slow, and the monotonic one stands still while it is suspended. */
export interface Clocks {
  now(): Instant;
  suspend(): void;
  resume(): void;
}

export const createClocks = (world: World, rate: number): Clocks => {
  const offset = world.between(0, 1e6);
  let asleep = 0;
  let since: number | undefined;
  return {
    now: () => {
      const slept = asleep + (since === undefined ? 0 : world.now() - since);
      const boot = offset + world.now() * (1 + rate);
      return { mono: boot - slept, boot: boot + 1_000 };
    },
    suspend: () => {
      since ??= world.now();
    },
    resume: () => {
      if (since !== undefined) asleep += world.now() - since;
      since = undefined;
    },
  };
};
