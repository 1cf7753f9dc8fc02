import { ms } from '../core/brand.ts';
import { step, type Moment } from '../core/agent.ts';
import type { Effect, Event, Memory } from '../core/memory.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Clock } from '../ports/clock.ts';

export interface Loop {
  /** Feeds one fact to the core. Facts that come while one is being digested wait their turn. */
  post(event: Event): void;
  memory(): Memory;
  /** No event is taken any more. */
  stop(): void;
}

/** All clocks at once, for one event. */
export const momentOf = (clock: Clock): Moment => {
  const wall = clock.wall();
  return { now: clock.now(), wall, time: new Date(wall).toISOString() };
};

/**
 * The agent's one loop: strictly serial, woken by events and by the core's own wish to look again. `execute` begins an
 * effect and returns at once; `changed` sees each memory after its effects were begun.
 */
export const createLoop = (deps: {
  readonly first: Memory;
  readonly positions: PositionAlgebra;
  readonly clock: Clock;
  readonly execute: (effect: Effect) => void;
  readonly changed: (memory: Memory, tookMs: number) => void;
}): Loop => {
  const queue: Event[] = [];
  let memory = deps.first;
  let busy = false;
  let stopped = false;
  let cancelWake: (() => void) | undefined;

  const digest = (event: Event): void => {
    const at = momentOf(deps.clock);
    const next = step(memory, event, at, deps.positions);
    memory = next.memory;
    for (const effect of next.effects) deps.execute(effect);
    deps.changed(memory, deps.clock.now().mono - at.now.mono);
    cancelWake?.();
    cancelWake = deps.clock.timer(ms(next.wakeIn), () => post({ kind: 'tick' }));
  };

  const post = (event: Event): void => {
    if (stopped) return;
    queue.push(event);
    if (busy) return;
    busy = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) digest(next);
    } finally {
      busy = false;
    }
  };

  return {
    post,
    memory: () => memory,
    stop: () => {
      stopped = true;
      queue.length = 0;
      cancelWake?.();
    },
  };
};
