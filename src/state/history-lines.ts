import { termOf, type Term } from '../core/brand.ts';
import type { ClusterView, HistoryEntry } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';

/** One leadership of the cluster's past. */
export interface TermRecord extends HistoryEntry {
  readonly term: Term;
}

/** All terms that are kept, oldest first. */
export const termRecords = (view: ClusterView): readonly TermRecord[] => {
  const older = [...view.olderTerms].map(([term, { value }]) => ({ term, ...value }));
  const newest = view.history === undefined ? [] : [{ term: termOf(view.history.modRevision), ...view.history.value }];
  return [...older, ...newest].sort((a, b) => (a.term < b.term ? -1 : 1));
};

/** One line of Patroni's history: the timeline that ended, where, why, when, and who leads since. */
export type HistoryLine = readonly [timeline: number, lsn: number, reason: string, at: string, leader: string];

/**
 * Terms as Patroni's `GET /history` shows them: only those that ended a timeline, each with the position at which it ended.
 * A leadership that began nothing new (the first one; a restart in place) has no line.
 */
export const historyLines = (terms: readonly TermRecord[], positions: PositionAlgebra): readonly HistoryLine[] => {
  const lines: HistoryLine[] = [];
  for (const { from, how, reason, at, member } of terms) {
    if (from === undefined) continue;
    lines.push([positions.generation(from), positions.offset?.(from) ?? 0, reason === '' ? how : reason, at, member]);
  }
  return lines;
};
