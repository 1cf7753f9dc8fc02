import type { Position, PositionAlgebra } from './position.ts';

/** What it takes for a member's data to follow the leader's (the rejoin ladder, best first). */
export type RejoinPlan =
  | { readonly kind: 'follow'; readonly why: string }
  | { readonly kind: 'rewind'; readonly why: string }
  | { readonly kind: 'clone'; readonly why: string }
  /** Not to be decided yet: the leader has not published a position of its own term. */
  | { readonly kind: 'wait'; readonly why: string };

/**
 * Chooses the rung by ancestry: a position that the leader's history contains can follow; anything else must be rewound to
 * the fork, and where that is impossible (or failed `failures` times) be cloned again (invariant I5, A10).
 */
export const planRejoin = (input: {
  readonly own: Position | undefined;
  readonly leader: Position | undefined;
  /** What the leader surely holds, though it may not be primary yet. */
  readonly reach?: Position | undefined;
  /** The log generation reserved for the leader's term: what it publishes once it is primary. */
  readonly leaderGeneration: number;
  readonly positions: PositionAlgebra;
  readonly rewindObstacles: readonly string[];
  readonly failures: number;
}): RejoinPlan => {
  const { own, leader, positions } = input;
  if (leader === undefined || positions.generation(leader) < input.leaderGeneration) {
    const held = own === undefined || input.reach === undefined ? undefined : positions.compare(own, input.reach);
    return held === 'equal' || held === 'behind'
      ? { kind: 'follow', why: 'the leader holds all of the own log, and is about to be primary' }
      : { kind: 'wait', why: 'the leader has not published a position as primary yet' };
  }
  if (own === undefined) return { kind: 'wait', why: 'how far the own log reaches is not known yet' };
  const order = positions.compare(own, leader);
  if (order !== 'diverged') {
    // Ahead on the leader's own generation only means that the published position is a heartbeat old.
    return { kind: 'follow', why: `own log (${positions.describe(own)}) is part of the leader's history` };
  }
  const fork = `own log (${positions.describe(own)}) left the leader's history (${positions.describe(leader)})`;
  if (input.rewindObstacles.length > 0)
    return { kind: 'clone', why: `${fork}; a rewind is impossible: ${input.rewindObstacles.join('; ')}` };
  if (input.failures >= 3) return { kind: 'clone', why: `${fork}; a rewind failed ${input.failures} times` };
  return { kind: 'rewind', why: fork };
};
