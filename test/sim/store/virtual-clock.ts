import type { Clock } from '../../../src/ports/clock.ts';

/** A clock that jumps from timer to timer: hours take milliseconds, and the order is always the same. */
export interface VirtualClock extends Clock {
  /** Fires timers in order while they are due within `milliseconds` from now, letting promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /** Advances until the promise settles. Throws when no timer is left that could settle it. */
  runUntil<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export const createVirtualClock = (): VirtualClock => {
  const heap: Timer[] = [];
  let time = 0;
  let order = 0;

  const timer: Clock['timer'] = (delay, callback) => {
    const added: Timer = { at: time + Math.max(0, delay), order: order++, callback, cancelled: false };
    push(heap, added);
    return () => {
      added.cancelled = true;
    };
  };
  /** Fires all timers of the next moment; false when there is none up to `limit`. */
  const step = (limit: number): boolean => {
    while (heap[0]?.cancelled === true) pop(heap);
    const first = heap[0];
    if (first === undefined || first.at > limit) return false;
    time = first.at;
    for (let due: Timer | undefined = first; due !== undefined && due.at <= time; due = heap[0]) {
      pop(heap);
      if (!due.cancelled) due.callback();
    }
    return true;
  };
  const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  return {
    now: () => ({ mono: time, boot: time }),
    wall: () => 1_700_000_000_000 + time,
    timer,
    sleep: async (delay, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (signal.aborted) throw signal.reason;
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const stop = timer(delay, resolve);
      try {
        await promise;
      } finally {
        stop();
        signal.removeEventListener('abort', abort);
      }
    },
    advance: async (milliseconds) => {
      const limit = time + milliseconds;
      await settle();
      while (step(limit)) await settle();
      time = limit;
    },
    runUntil: async (work) => {
      const state = { settled: false };
      const done = work.finally(() => {
        state.settled = true;
      });
      done.catch(() => {});
      await settle();
      while (!state.settled) {
        if (!step(Infinity)) throw new Error('nothing is left to happen, but the promise is still pending');
        await settle();
      }
      return done;
    },
  };
};

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const push = (heap: Timer[], added: Timer): void => {
  let child = heap.push(added) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(added, above)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = added;
};

const pop = (heap: Timer[]): void => {
  const moved = heap.pop();
  if (moved === undefined || heap.length === 0) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    let smaller = left;
    if (right !== undefined && before(right, left)) {
      smaller = right;
      child += 1;
    }
    if (!before(smaller, moved)) break;
    heap[parent] = smaller;
    parent = child;
  }
  heap[parent] = moved;
};

/** A seeded source of chance (mulberry32). */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
};
