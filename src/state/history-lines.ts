import { termOf } from '../core/brand.ts';
import { describeLoss } from '../core/loss.ts';
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
  /** What was known to be lost when the term began, as a sentence; absent where nobody led before. */
  readonly loss?: string;
  /** What members dropped of the log that ended, when they rejoined. */
  readonly dropped?: readonly DroppedDocument[];
}

interface DroppedDocument {
  readonly member: string;
  readonly from: string;
  readonly bytes: number;
  readonly commits: number;
  /** On that member's host: the dropped log, and the list of its transactions. */
  readonly folder: string;
}

/** All terms that are kept, oldest first. */
export const termDocuments = (view: ClusterView, positions: PositionAlgebra): readonly TermDocument[] => {
  const older = [...view.olderTerms].map(([term, { value }]) => termDocument(Number(term), value, view, positions));
  const newest =
    view.history === undefined
      ? []
      : [termDocument(Number(termOf(view.history.modRevision)), view.history.value, view, positions)];
  return [...older, ...newest].sort((a, b) => a.term - b.term);
};

/** Members that left a log of this generation, which a later term did not take over. */
const droppedOf = (generation: number, view: ClusterView): readonly DroppedDocument[] =>
  [...view.members.values()].flatMap(({ value: { name, dropped } }) => {
    if (dropped?.generation !== generation) return [];
    const { from, bytes, commits, folder } = dropped;
    return [{ member: name, from, bytes, commits, folder }];
  });

const termDocument = (
  term: number,
  entry: HistoryEntry,
  view: ClusterView,
  positions: PositionAlgebra,
): TermDocument => {
  const { member, instance, how, reason, at, generation, from, loss } = entry;
  const dropped = from === undefined ? [] : droppedOf(positions.generation(from), view);
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
    ...(loss === undefined ? {} : { loss: describeLoss(loss) }),
    ...(dropped.length === 0 ? {} : { dropped }),
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
