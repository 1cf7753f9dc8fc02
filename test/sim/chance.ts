import { createRandom } from './store/virtual-clock.ts';

/** A source of chance that is not the world's: what is drawn before a run must not change what happens in it. */
export interface Chance {
  random(): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export const createChance = (seed: number): Chance => {
  const random = createRandom(seed);
  return {
    random,
    between: (low, high) => low + (high - low) * random(),
    chance: (probability) => random() < probability,
    pick: (list) => list[Math.floor(random() * list.length)]!,
  };
};
