import { termOf } from '../core/brand.ts';
import type { ClusterView, HistoryEntry } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';

/** One leadership of the cluster's past, as `GET /history/terms` and `haagentctl history` show it. */
export interface TermDocument {
  readonly term: number;
  readonly member: string;
  readonly instance: string;
  readonly how: HistoryEntry['how'];
  readonly reason: string;
  readonly at: string;
  /** The log generation (PostgreSQL: timeline) that this term writes. */
  readonly generation: number;
  /** Where the log of the term before ended; absent where none ended. */
  readonly ended?: { readonly generation: number; readonly offset?: number; readonly text: string };
}

/** All terms that are kept, oldest first. */
export const termDocuments = (view: ClusterView, positions: PositionAlgebra): readonly TermDocument[] => {
  const older = [...view.olderTerms].map(([term, { value }]) => termDocument(Number(term), value, positions));
  const newest =
    view.history === undefined
      ? []
      : [termDocument(Number(termOf(view.history.modRevision)), view.history.value, positions)];
  return [...older, ...newest].sort((a, b) => a.term - b.term);
};

const termDocument = (term: number, entry: HistoryEntry, positions: PositionAlgebra): TermDocument => {
  const { member, instance, how, reason, at, generation, from } = entry;
  const offset = from === undefined ? undefined : positions.offset?.(from);
  return {
    term,
    member,
    instance,
    how,
    reason,
    at,
    generation,
    ...(from === undefined
      ? {}
      : {
          ended: {
            generation: positions.generation(from),
            ...(offset === undefined ? {} : { offset }),
            text: positions.describe(from),
          },
        }),
  };
};

/** One line of Patroni's history: the timeline that ended, where, why, when, and who leads since. */
export type HistoryLine = readonly [timeline: number, lsn: number, reason: string, at: string, leader: string];

/**
 * Terms as Patroni's `GET /history` shows them: only those that ended a timeline, each with the position at which it ended.
 * A leadership that began nothing new (the first one; a restart in place) has no line.
 */
export const historyLines = (terms: readonly TermDocument[]): readonly HistoryLine[] =>
  terms.flatMap(({ ended, reason, how, at, member }): readonly HistoryLine[] =>
    ended === undefined ? [] : [[ended.generation, ended.offset ?? 0, reason === '' ? how : reason, at, member]],
  );
