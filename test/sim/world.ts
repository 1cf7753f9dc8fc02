import type { RarePath } from './sometimes.ts';
import { createRandom } from './store/virtual-clock.ts';

/** Time, chance and the record of one run. Everything that happens is an event in one queue: same seed, same run. */
export interface World {
  now(): number;
  /** Calls back `delay` milliseconds from now; returns a function that cancels. */
  at(delay: number, what: () => void): () => void;
  /** Runs events in order up to `until`; `check` sees the world after each of them. */
  run(until: number, check: () => void): void;
  random(): number;
  /** A number from `low` to `high`. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  note(who: string, what: string): void;
  /** A rare path was taken: counted over a whole set of runs, because a path that no seed takes is not tested. */
  sometimes(path: RarePath): void;
  readonly taken: ReadonlyMap<RarePath, number>;
  /** The timeline so far, one line for each note. */
  lines(): readonly string[];
  /** Events that happened so far. */
  events(): number;
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly what: () => void;
  cancelled: boolean;
}

const before = (a: Entry, b: Entry): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

const push = (heap: Entry[], added: Entry): void => {
  let child = heap.push(added) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent]!;
    if (!before(added, above)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = added;
};

const pop = (heap: Entry[]): Entry | undefined => {
  const first = heap[0];
  const moved = heap.pop();
  if (first === undefined || moved === undefined || heap.length === 0) return first;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    if (!before(heap[child]!, moved)) break;
    heap[parent] = heap[child]!;
    parent = child;
  }
  heap[parent] = moved;
  return first;
};

/** Text is made only of the runs that somebody looks at. */
const written = (notes: readonly (readonly [number, string, string])[]): readonly string[] =>
  notes.map(([time, who, what]) => `${(time / 1000).toFixed(3).padStart(8)}  ${who.padEnd(8)} ${what}`);

/** More events than this at one moment, and nothing ends any more. */
const MOST_AT_ONCE = 20_000;

export const createWorld = (seed: number): World => {
  const random = createRandom(seed);
  const heap: Entry[] = [];
  const notes: (readonly [time: number, who: string, what: string])[] = [];
  const taken = new Map<RarePath, number>();
  let time = 0;
  let order = 0;
  let events = 0;
  let moment = 0;
  let within = 0;
  return {
    now: () => time,
    at: (delay, what) => {
      const entry: Entry = { time: time + Math.max(0, delay), order: order++, what, cancelled: false };
      push(heap, entry);
      return () => {
        entry.cancelled = true;
      };
    },
    run: (until, check) => {
      for (let next = heap[0]; next !== undefined && next.time <= until; next = heap[0]) {
        pop(heap);
        if (next.cancelled) continue;
        time = next.time;
        events += 1;
        if (next.time > moment) [moment, within] = [next.time, 0];
        within += 1;
        if (within > MOST_AT_ONCE)
          throw new Error(`time stands still at ${time} ms: ${written(notes.slice(-5)).join(' | ')}`);
        next.what();
        check();
      }
      time = until;
    },
    random,
    between: (low, high) => low + (high - low) * random(),
    chance: (probability) => random() < probability,
    pick: (list) => list[Math.floor(random() * list.length)]!,
    note: (who, what) => void notes.push([time, who, what]),
    sometimes: (path) => void taken.set(path, (taken.get(path) ?? 0) + 1),
    taken,
    lines: () => written(notes),
    events: () => events,
  };
};
