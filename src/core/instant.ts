import { ms, type Ms } from './brand.ts';

/**
 * A moment on this host, read from two clocks at once, in milliseconds.
 * `mono` stands still while the machine is suspended, `boot` does not. The wall clock is never part of a decision.
 */
export interface Instant {
  readonly mono: number;
  readonly boot: number;
}

/** Both clocks moved on by `by` milliseconds. */
export const after = (at: Instant, by: Ms): Instant => ({ mono: at.mono + by, boot: at.boot + by });

/** Elapsed time for whoever must not act too late: the LARGER of the two clocks (holder, rule D4). */
export const elapsedAtMost = (from: Instant, to: Instant): Ms => ms(Math.max(to.mono - from.mono, to.boot - from.boot));

/** Elapsed time for whoever must not act too early: the SMALLER of the two clocks (challenger, rule D5). */
export const elapsedAtLeast = (from: Instant, to: Instant): Ms =>
  ms(Math.min(to.mono - from.mono, to.boot - from.boot));

/** Time left until a deadline, on the clock that is ahead; zero or less when it has passed on either. */
export const remaining = (deadline: Instant, now: Instant): Ms =>
  ms(Math.min(deadline.mono - now.mono, deadline.boot - now.boot));
