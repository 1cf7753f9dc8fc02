import type { PatroniSettings } from '../../lab/containers/programs.ts';

/** At which settings both are measured. */
export interface Comparison {
  /** What is compared, for people. */
  readonly sentence: string;
  readonly ours: { readonly ttlMs: number };
  readonly peer: Pick<PatroniSettings, 'ttl' | 'loopWait' | 'retryTimeout'>;
}

/** The smallest that Patroni takes: it refuses a ttl below 20, a loop below 1 and a retry below 3 seconds. */
const PEER_SMALLEST = { ttl: 20, loopWait: 1, retryTimeout: 3 };

export const comparisons = {
  defaults: {
    sentence: 'each at its defaults: haagent ttl 10 s; Patroni ttl 30, loop_wait 10, retry_timeout 10 s',
    ours: { ttlMs: 10_000 },
    peer: { ttl: 30, loopWait: 10, retryTimeout: 10 },
  },
  'same-ttl': {
    sentence: 'the same ttl of 20 s: haagent ttl 20 s; Patroni ttl 20, loop_wait 1, retry_timeout 3 s',
    ours: { ttlMs: 20_000 },
    peer: PEER_SMALLEST,
  },
  fastest: {
    sentence:
      'each at the smallest it takes: haagent ttl 3 s; Patroni ttl 20, loop_wait 1, retry_timeout 3 s (a part of what haagent gains here is the right to a smaller ttl)',
    ours: { ttlMs: 3_000 },
    peer: PEER_SMALLEST,
  },
} as const satisfies Record<string, Comparison>;

export type ComparisonName = keyof typeof comparisons;

export const isComparisonName = (name: string): name is ComparisonName => Object.hasOwn(comparisons, name);

export const comparisonNames = Object.keys(comparisons).filter(isComparisonName);
