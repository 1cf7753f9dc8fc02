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
  /** Each commit waits for replicas: then nothing is lost and nobody acknowledges beside another, whatever happens. */
  readonly durable: boolean;
}

const some = (ids: readonly number[]): string =>
  `${ids.length} (ids ${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ' …' : ''})`;

/** What went wrong, as sentences; empty when everything was as promised. */
export const problemsOf = (given: Fault, facts: Facts, bounds: Bounds): readonly string[] => {
  const fault: Fault = bounds.durable ? { ...given, ...given.durable } : given;
  const { before, after } = facts.primaries;
  const toleratedMs = bounds.durable ? 0 : fault.toleratedOverlapMs;
  const lost = [...facts.durability.lost, ...(bounds.durable ? facts.durability.unreplicated : [])];
  const outageMs = spanMs(fault.outage, bounds.ttlMs) + (bounds.allowanceMs ?? Infinity);
  const found: readonly (readonly [boolean, string])[] = [
    [fault.primary === 'moves' && before === after, `${before} is still the primary`],
    [
      fault.primary === 'stays' && after !== undefined && before !== after,
      `the primary moved from ${before} to ${after}`,
    ],
    [lost.length > 0, `acknowledged writes are lost: ${some(lost)}`],
    [facts.durability.duplicates.length > 0, `rows are there twice: ${some(facts.durability.duplicates)}`],
    [
      facts.overlapMs > toleratedMs,
      `two primaries acknowledged writes for ${Math.round(facts.overlapMs)} ms; ${toleratedMs} ms are tolerated`,
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
