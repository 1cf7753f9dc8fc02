import type { Clock } from '../../../src/ports/clock.ts';
import type { World } from '../world.ts';

/** The world's time as the store's leases want it. Nothing in them sleeps. */
export const storeClock = (world: World): Clock => ({
  now: () => ({ mono: world.now(), boot: world.now() }),
  wall: () => world.now(),
  timer: (delay, callback) => world.at(delay, callback),
  sleep: async () => Promise.reject(new Error('the simulated store never sleeps')),
});
