import type { Ms } from '../core/brand.ts';
import type { Instant } from '../core/instant.ts';

/** Time. Every deadline is an Instant; the wall clock is for people. */
export interface Clock {
  now(): Instant;
  /** Milliseconds since 1970, for logs and records that people read. Never compared. */
  wall(): number;
  /** Resolves after `ms`, rejects with the signal's reason when aborted first. */
  sleep(ms: Ms, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Calls back after `ms`; returns a function that cancels. Does not keep the process alive when `unref` is set. */
  timer(ms: Ms, callback: () => void, options?: { readonly unref?: boolean }): () => void;
}
