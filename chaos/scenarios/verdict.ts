import { spanMs, type Fault } from '../faults/fault.ts';
import type { Durability } from '../checks/durability.ts';

/** What is held against the expectations of a fault. */
export interface Facts {
  readonly primaries: { readonly before: string; readonly after: string | undefined };
  readonly durability: Durability;
  readonly overlapMs: number;
  readonly weakAcks: number;
  readonly gapDirectMs: number | undefined;
}

/** How strictly: a busy machine needs longer for everything. */
export interface Bounds {
  readonly ttlMs: number;
  /** Added to a fault's outage; undefined: its length is reported and not judged. */
  readonly allowanceMs: number | undefined;
}

const some = (ids: readonly number[]): string =>
  `${ids.length} (ids ${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ' …' : ''})`;

/** What went wrong, as sentences; empty when everything was as promised. */
export const problemsOf = (fault: Fault, facts: Facts, bounds: Bounds): readonly string[] => {
  const { before, after } = facts.primaries;
  const outageMs = spanMs(fault.outage, bounds.ttlMs) + (bounds.allowanceMs ?? Infinity);
  const found: readonly (readonly [boolean, string])[] = [
    [fault.primary === 'moves' && before === after, `${before} is still the primary`],
    [
      fault.primary === 'stays' && after !== undefined && before !== after,
      `the primary moved from ${before} to ${after}`,
    ],
    [facts.durability.lost.length > 0, `acknowledged writes are lost: ${some(facts.durability.lost)}`],
    [facts.durability.duplicates.length > 0, `rows are there twice: ${some(facts.durability.duplicates)}`],
    [
      facts.overlapMs > fault.toleratedOverlapMs,
      `two primaries acknowledged writes for ${Math.round(facts.overlapMs)} ms; ${fault.toleratedOverlapMs} ms are tolerated`,
    ],
    [facts.weakAcks > 0, `${facts.weakAcks} writes were acknowledged without the replicas that had been promised`],
    [facts.gapDirectMs === undefined, 'nothing was acknowledged at all'],
    [
      (facts.gapDirectMs ?? 0) > outageMs,
      `no write was acknowledged for ${facts.gapDirectMs} ms; at most ${outageMs} ms are allowed`,
    ],
  ];
  return found.filter(([wrong]) => wrong).map(([, sentence]) => sentence);
};
