import { ms, type Ms } from '../../../src/core/brand.ts';

/** What can go wrong between one client and the store. All chances are from 0 to 1. */
export interface ClientFaults {
  /** One way, in milliseconds. */
  readonly latency: readonly [least: number, most: number];
  /**
   * `refused`: requests are surely never sent. `requests`, `replies`, `both`: packets of that direction vanish.
   */
  readonly cut: 'none' | 'refused' | 'requests' | 'replies' | 'both';
  readonly lostRequests: number;
  /** The request is executed, its outcome is not known. */
  readonly lostReplies: number;
  /** The request is executed after its caller has given up, by as much as `lateBy`. */
  readonly lateRequests: number;
  readonly lateBy: Ms;
  /** From a commit to `changed`. */
  readonly watchDelay: readonly [least: number, most: number];
  /** Events that a watch never delivers: it is only a hint. */
  readonly lostHints: number;
}

export const NO_FAULTS: ClientFaults = {
  latency: [0.2, 1],
  cut: 'none',
  lostRequests: 0,
  lostReplies: 0,
  lateRequests: 0,
  lateBy: ms(5_000),
  watchDelay: [0.5, 3],
  lostHints: 0,
};

export const between = ([least, most]: readonly [number, number], random: () => number): number =>
  least + random() * (most - least);
