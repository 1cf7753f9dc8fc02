import type { Ack } from '../workload/history.ts';

/**
 * Where something was lost, it must be the end of what its server had acknowledged (invariant I4): nothing that was sent
 * after a lost write had been acknowledged may have survived. Returns the ids of such survivors.
 * `missing`: the acknowledged ids that are not there any more.
 */
export const findSurvivorsBehindLosses = (acks: readonly Ack[], missing: ReadonlySet<number>): readonly number[] => {
  const reign = ({ outcome }: Ack): string => `${outcome.origin.server} ${outcome.origin.generation}`;
  const firstLoss = new Map<string, number>();
  for (const ack of acks)
    if (missing.has(ack.id)) firstLoss.set(reign(ack), Math.min(firstLoss.get(reign(ack)) ?? Infinity, ack.completed));
  return acks
    .filter((ack) => !missing.has(ack.id) && ack.invoked > (firstLoss.get(reign(ack)) ?? Infinity))
    .map(({ id }) => id);
};
