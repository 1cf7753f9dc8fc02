import type { Ms } from '../core/brand.ts';
import { elapsedAtMost, type Instant } from '../core/instant.ts';
import type { Clock } from '../ports/clock.ts';

/**
 * Gives everyone who asks within `keepFor` of each other the same answer, and never has more than one question under
 * way. A failed question is not kept.
 */
export const createShared = <T>(clock: Clock, keepFor: Ms, ask: () => Promise<T>): (() => Promise<T>) => {
  let kept: { readonly answer: Promise<T>; readonly at: Instant } | undefined;
  let pending = false;
  return () => {
    if (kept !== undefined && (pending || elapsedAtMost(kept.at, clock.now()) < keepFor)) return kept.answer;
    pending = true;
    const answer = ask().finally(() => {
      pending = false;
      if (kept?.answer === answer) kept = { answer, at: clock.now() };
    });
    kept = { answer, at: clock.now() };
    answer.catch(() => {
      if (kept?.answer === answer) kept = undefined;
    });
    return answer;
  };
};
