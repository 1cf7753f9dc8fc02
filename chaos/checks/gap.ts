import type { Ack } from '../workload/history.ts';

/** The longest time without an acknowledged write. */
export interface Gap {
  readonly ms: number;
  /** The acknowledgements around it, on the monotonic clock in milliseconds. */
  readonly from: number;
  readonly to: number;
}

/**
 * The longest time between two acknowledgements, of which the later came after `since`, less the usual time between two
 * (median), so that an undisturbed run has a gap near zero. The end of writing counts as one: silence until then is a gap
 * too. Undefined when nothing was acknowledged at all.
 */
export const longestGap = (acks: readonly Ack[], since: number, end: number): Gap | undefined => {
  if (acks.length === 0) return undefined;
  const times = [...acks.map(({ completed }) => completed), end];
  const pairs = times.flatMap((to, index) => {
    const from = times[index - 1];
    return from === undefined ? [] : [{ from, to }];
  });
  const lengths = pairs.map(({ from, to }) => to - from).toSorted((a, b) => a - b);
  const usual = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const after = pairs.filter(({ to }) => to > since);
  const first = after[0];
  if (first === undefined) return undefined;
  const longest = after.reduce((best, pair) => (pair.to - pair.from > best.to - best.from ? pair : best), first);
  return { ...longest, ms: Math.max(0, longest.to - longest.from - usual) };
};
