import type { Origin } from './dialect.ts';

/**
 * One try to write one id. Times are milliseconds of this process's monotonic clock.
 * `ok`: acknowledged. `fail`: surely not applied. `info`: nobody knows.
 */
export interface Attempt {
  readonly id: number;
  /** Which writer: a member's name, or the proxy. */
  readonly writer: string;
  readonly invoked: number;
  readonly completed: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: 'ok'; readonly origin: Origin }
  | { readonly kind: 'fail'; readonly code: string }
  | { readonly kind: 'info'; readonly code: string };

export interface Ack extends Attempt {
  readonly outcome: Extract<Outcome, { kind: 'ok' }>;
}

const isAck = (attempt: Attempt): attempt is Ack => attempt.outcome.kind === 'ok';

/** The acknowledged writes, in the order in which they were acknowledged. */
export const acksOf = (attempts: readonly Attempt[]): readonly Ack[] =>
  attempts.filter(isAck).toSorted((a, b) => a.completed - b.completed);
