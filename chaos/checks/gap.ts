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
 * (median), so that an undisturbed run has a gap near zero. Undefined when nothing was acknowledged before or after.
 */
export const longestGap = (acks: readonly Ack[], since: number): Gap | undefined => {
  const pairs = acks.flatMap((ack, index) => {
    const before = acks[index - 1];
    return before === undefined ? [] : [{ from: before.completed, to: ack.completed }];
  });
  const lengths = pairs.map(({ from, to }) => to - from).toSorted((a, b) => a - b);
  const usual = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const after = pairs.filter(({ to }) => to > since);
  const first = after[0];
  if (first === undefined) return undefined;
  const longest = after.reduce((best, pair) => (pair.to - pair.from > best.to - best.from ? pair : best), first);
  return { ...longest, ms: Math.max(0, longest.to - longest.from - usual) };
};
