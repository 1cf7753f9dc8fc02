import { elapsedAtLeast, elapsedAtMost, type Instant } from '../../core/instant.ts';

/**
 * How long ago something last made itself heard, by clocks that nobody sets: a mark (a time stamp of whatever clock) that is new
 * was made after the last look at the old one.
 */
export interface Heard {
  /**
   * Age in milliseconds of the message that `mark` stands for, at `now`.
   * @param key whom the mark belongs to: another one begins anew
   * @param claimed the age by wall clocks, where it is known: can only make a new mark younger
   */
  ageMs(key: string, mark: string | undefined, now: Instant, claimed?: number): number | undefined;
  /** Forgets everyone but these. */
  keep(keys: ReadonlySet<string>): void;
}

interface Seen {
  readonly mark: string;
  readonly at: Instant;
  readonly ageThen: number;
  readonly lookedAt: Instant;
}

export const createHeard = (): Heard => {
  const seen = new Map<string, Seen>();
  return {
    ageMs: (key, mark, now, claimed) => {
      if (mark === undefined) {
        seen.delete(key);
        return undefined;
      }
      const before = seen.get(key);
      if (before?.mark === mark) {
        seen.set(key, { ...before, lookedAt: now });
        return before.ageThen + elapsedAtLeast(before.at, now);
      }
      const atMost = before === undefined ? Number.POSITIVE_INFINITY : elapsedAtMost(before.lookedAt, now);
      const ageThen = Math.min(Math.max(0, claimed ?? 0), atMost);
      seen.set(key, { mark, at: now, ageThen, lookedAt: now });
      return ageThen;
    },
    keep: (keys) => {
      for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key);
    },
  };
};
