import type { Ack } from '../workload/history.ts';

/** Writes that an older primary acknowledged although a newer one had acknowledged before (invariant I2). */
export interface Overlap {
  readonly acks: readonly Ack[];
  /** From the first acknowledgement of the newer to the last begin of a write that the older still acknowledged. */
  readonly ms: number;
}

/**
 * Finds them by generation. Only what is certain counts: the write was sent after the newer one's first acknowledgement
 * had arrived. (An acknowledgement that was merely delivered late contradicts nothing.)
 */
export const findOverlap = (acks: readonly Ack[]): Overlap => {
  const firstOf = new Map<number, number>();
  for (const { outcome, completed } of acks) {
    const { generation } = outcome.origin;
    firstOf.set(generation, Math.min(firstOf.get(generation) ?? Infinity, completed));
  }
  const newerSince = (generation: number): number =>
    Math.min(...[...firstOf].filter(([other]) => other > generation).map(([, first]) => first), Infinity);
  const late = acks.filter((ack) => ack.invoked > newerSince(ack.outcome.origin.generation));
  return {
    acks: late,
    ms: Math.max(0, ...late.map((ack) => ack.invoked - newerSince(ack.outcome.origin.generation))),
  };
};
