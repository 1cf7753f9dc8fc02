import { table } from '../../table.ts';
import { median } from '../stats.ts';
import type { System } from '../../lab/lab.ts';
import type { Rest } from './rest.ts';
import type { RunRecord } from '../../scenarios/report.ts';

/** What one cluster cost at rest. */
export interface Rested {
  readonly system: System;
  readonly rest: Rest;
}

/** One run, as far as it is compared. */
export interface Run {
  readonly system: System;
  readonly record: Pick<RunRecord, 'scenario' | 'rtoDirectMs' | 'rtoProxyMs' | 'rejoinMs' | 'lost' | 'dualWriteMs'>;
}

/** What is compared of two systems in one scenario; fewer is better everywhere. */
const FIGURES: readonly { readonly name: string; readonly of: (run: Run) => number | null }[] = [
  { name: 'write gap, direct, ms', of: ({ record }) => record.rtoDirectMs },
  { name: 'write gap, HAProxy, ms', of: ({ record }) => record.rtoProxyMs },
  { name: 'whole again, ms', of: ({ record }) => record.rejoinMs },
  { name: 'acknowledged writes lost', of: ({ record }) => record.lost },
  { name: 'two primaries, ms', of: ({ record }) => record.dualWriteMs },
];

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Undefined when not even one run has a figure. */
const spreadOf = (values: readonly (number | null)[]): Spread | undefined => {
  const known = values.filter((value) => value !== null);
  const middle = median(known);
  return middle === undefined
    ? undefined
    : { median: Math.round(middle * 100) / 100, min: Math.min(...known), max: Math.max(...known), count: known.length };
};

const show = (spread: Spread | undefined): string =>
  spread === undefined ? '-' : `${spread.median} (${spread.min} - ${spread.max}; ${spread.count})`;

/** How many times as much the peer has, in medians; no number where one of them is nothing. */
const ratio = (ours: Spread | undefined, peer: Spread | undefined): string => {
  if (ours === undefined || peer === undefined) return '-';
  if (ours.median === 0 || peer.median === 0) return ours.median === peer.median ? 'equal' : '-';
  return `${(peer.median / ours.median).toFixed(1)} x`;
};

/** What the peer is better at, as sentences. Differences below a tenth and 20 ms are none. */
const lossesOf = (scenario: string, name: string, ours: Spread | undefined, peer: Spread | undefined): string[] => {
  if (ours === undefined && peer !== undefined)
    return [`${scenario}: ${name}: we have no figure, the peer ${show(peer)}`];
  if (ours === undefined || peer === undefined) return [];
  const more = ours.median - peer.median;
  const threshold = name.endsWith('ms') ? Math.max(20, peer.median / 10) : 0.05;
  return more > threshold ? [`${scenario}: ${name}: ${show(ours)} against ${show(peer)}`] : [];
};

/** What a system costs at rest; fewer is better everywhere. */
const COSTS: readonly { readonly name: string; readonly of: (rest: Rest) => number }[] = [
  { name: 'agent and guard of the leader, % of a core', of: ({ leaderCpu }) => leaderCpu },
  { name: 'agent and guard of the leader, MiB', of: ({ leaderMib }) => leaderMib },
  { name: 'agent and guard of a replica, % of a core', of: ({ replicaCpu }) => replicaCpu },
  { name: 'agent and guard of a replica, MiB', of: ({ replicaMib }) => replicaMib },
  { name: 'etcd revisions a minute', of: ({ revisions }) => revisions },
];

interface Comparable {
  readonly scenario: string;
  readonly name: string;
  readonly ours: Spread | undefined;
  readonly peer: Spread | undefined;
}

const comparables = (runs: readonly Run[], rests: readonly Rested[]): readonly Comparable[] => {
  const scenarios = [...new Set(runs.map(({ record }) => record.scenario))];
  const spread = (system: System, scenario: string, of: (run: Run) => number | null): Spread | undefined =>
    spreadOf(runs.filter((run) => run.system === system && run.record.scenario === scenario).map(of));
  const cost = (system: System, of: (rest: Rest) => number): Spread | undefined =>
    spreadOf(rests.filter((rested) => rested.system === system).map(({ rest }) => of(rest)));
  return [
    ...scenarios.flatMap((scenario) =>
      FIGURES.map(({ name, of }) => ({
        scenario,
        name,
        ours: spread('haagent', scenario, of),
        peer: spread('patroni', scenario, of),
      })),
    ),
    ...COSTS.map(({ name, of }) => ({ scenario: 'rest', name, ours: cost('haagent', of), peer: cost('patroni', of) })),
  ];
};

/** A table of medians with minimum and maximum for both systems, and what the peer wins. */
export const summarize = (runs: readonly Run[], rests: readonly Rested[]): string => {
  const all = comparables(runs, rests).filter(({ ours, peer }) => ours !== undefined || peer !== undefined);
  const losses = all.flatMap(({ scenario, name, ours, peer }) => lossesOf(scenario, name, ours, peer));
  const rows = all.map(({ scenario, name, ours, peer }) => [scenario, name, show(ours), show(peer), ratio(ours, peer)]);
  return [
    table(['scenario', 'median (min - max; runs)', 'haagent', 'Patroni', 'Patroni / haagent'], rows),
    '',
    losses.length === 0
      ? 'The peer wins nothing here.'
      : `The peer wins:\n${losses.map((loss) => `  ${loss}`).join('\n')}`,
  ].join('\n');
};
