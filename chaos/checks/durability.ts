import type { Ack } from '../workload/history.ts';

/** What became of the acknowledged writes (invariants I3 and I4). */
export interface Durability {
  readonly acked: number;
  /** Acknowledged, known to have reached another member than its server, and missing at the end. */
  readonly lost: readonly number[];
  /** Acknowledged and missing, but no other member ever showed it: what asynchronous replication does not promise. */
  readonly unreplicated: readonly number[];
  /** Ids that are there more than once. */
  readonly duplicates: readonly number[];
}

/**
 * Holds the acknowledgements against what the final primary has.
 * `seen`: the ids each member has ever shown. `servers`: each member's own `host:port`, which acknowledgements name.
 */
export const checkDurability = (
  acks: readonly Ack[],
  finalIds: readonly number[],
  seen: ReadonlyMap<string, ReadonlySet<number>>,
  servers: ReadonlyMap<string, string>,
): Durability => {
  const present = new Set(finalIds);
  const missing = acks.filter((ack) => !present.has(ack.id));
  const reachedAnother = (ack: Ack): boolean =>
    [...seen].some(([member, ids]) => servers.get(member) !== ack.outcome.origin.server && ids.has(ack.id));
  const counted = new Set<number>();
  const duplicates = finalIds.filter((id) => {
    const again = counted.has(id);
    counted.add(id);
    return again;
  });
  return {
    acked: acks.length,
    lost: missing.filter(reachedAnother).map((ack) => ack.id),
    unreplicated: missing.filter((ack) => !reachedAnother(ack)).map((ack) => ack.id),
    duplicates: [...new Set(duplicates)],
  };
};
