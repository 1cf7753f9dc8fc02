import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import type { FaultName } from '../../faults/faults.ts';
import { borrowEngine, buildImages, type Images } from '../../lab/containers/engine.ts';
import type { System } from '../../lab/lab.ts';
import { median } from '../stats.ts';
import { comparisons, type Comparison, type ComparisonName } from './comparisons.ts';
import { settingsDifference, type Settings } from './parameters.ts';
import { renderPlot } from './plot.ts';
import type { Rest } from './rest.ts';
import { runRound, type Measured } from './round.ts';
import { summarize } from './summary.ts';

export interface VersusOptions {
  readonly scenarios: readonly FaultName[];
  readonly comparisons: readonly ComparisonName[];
  readonly runs: number;
  /** Gets a line of JSON for every run, added to what it holds. */
  readonly report: string | undefined;
  /** Gets a plot for every comparison and scenario. */
  readonly plots: string | undefined;
  readonly signal: AbortSignal;
}

/** What both systems are compared in, unless fewer are named. */
export const VERSUS_SCENARIOS = [
  'switchover',
  'crash',
  'kill',
  'partition',
  'freeze',
  'etcd-all',
] as const satisfies readonly FaultName[];

/** Of the runs the one whose outage through HAProxy is the middle one. */
const typical = (runs: readonly Measured[]): Measured | undefined => {
  const outage = ({ record }: Measured): number => record.rtoProxyMs ?? Infinity;
  const middle = median(runs.map(outage));
  return runs.toSorted((a, b) => Math.abs(outage(a) - (middle ?? 0)) - Math.abs(outage(b) - (middle ?? 0)))[0];
};

const NAMES = { haagent: 'haagent', patroni: 'Patroni' } as const;

const drawAll = (directory: string, name: ComparisonName, runs: readonly Measured[]): void => {
  mkdirSync(directory, { recursive: true });
  for (const scenario of new Set(runs.map(({ record }) => record.scenario))) {
    const panels = (['haagent', 'patroni'] as const).flatMap((system) => {
      const chosen = typical(runs.filter((run) => run.system === system && run.record.scenario === scenario));
      return chosen === undefined
        ? []
        : [{ title: `${NAMES[system]}, ttl ${chosen.record.ttl} s`, availability: chosen.availability }];
    });
    writeFileSync(
      join(directory, `${name}-${scenario}.svg`),
      renderPlot(`${scenario} (${name}): the typical run`, panels),
    );
  }
};

const prepareImages = async (): Promise<Images> => {
  const engine = await borrowEngine();
  try {
    return await buildImages(engine);
  } finally {
    engine.release();
  }
};

/** Where and with what it is measured, for whoever reads the numbers. */
const describeMachine = ({ versions }: Images): string => {
  const processors = cpus();
  const day = new Date().toISOString().slice(0, 10);
  const load = loadavg()[0]?.toFixed(2) ?? '?';
  return `${day}, ${processors.length} x ${processors[0]?.model ?? 'unknown'}, Linux ${release()}, load at the start ${load}\n${versions.join(', ')}`;
};

const compare = async (name: ComparisonName, images: Images, options: VersusOptions): Promise<readonly Measured[]> => {
  const comparison: Comparison = comparisons[name];
  console.log(`\n== ${name}: ${comparison.sentence}`);
  const runs: Measured[] = [];
  const tell = (found: Readonly<Record<string, unknown>>): void => {
    const line = JSON.stringify({ comparison: name, ...found });
    console.log(line);
    if (options.report !== undefined) appendFileSync(options.report, `${line}\n`);
  };
  const measured = (run: Measured): void => {
    runs.push(run);
    tell({ ...run.record, problems: run.problems });
  };
  const settings = new Map<System, Settings>();
  const opened = (system: System, found: Settings): void => {
    const known = settings.size;
    settings.set(system, found);
    const [ours, peer] = [settings.get('haagent'), settings.get('patroni')];
    if (known === 2 || ours === undefined || peer === undefined) return;
    const differing = settingsDifference(ours, peer);
    console.log(`settings of the primaries that differ, ours / the peer's: ${differing.join(', ') || 'none'}`);
  };
  const rests: { readonly system: System; readonly rest: Rest }[] = [];
  const rested = (system: System, rest: Rest): void => {
    rests.push({ system, rest });
    tell({ scenario: 'rest', peer: system === 'haagent' ? null : system, ...rest });
  };
  const progress = (line: string): void => console.error(`  ${line}`);
  const { scenarios, runs: count, signal } = options;
  for (let run = 0; run < count; run += 1)
    for (const system of ['haagent', 'patroni'] as const)
      await runRound(system, {
        images,
        comparison,
        scenarios,
        run,
        runs: count,
        signal,
        measured,
        opened,
        rested,
        progress,
      });
  console.log(`\n${summarize(runs, rests)}`);
  if (options.plots !== undefined) drawAll(options.plots, name, runs);
  return runs;
};

/**
 * Measures us and the peer in turn: A B A B, each time on a new cluster of the same containers with the same workload,
 * faults and checks. Returns whether every run of ours passed.
 */
export const benchVersus = async (options: VersusOptions): Promise<boolean> => {
  const images = await prepareImages();
  console.log(describeMachine(images));
  if (options.report !== undefined) mkdirSync(dirname(options.report), { recursive: true });
  let passed = true;
  for (const name of options.comparisons) {
    const runs = await compare(name, images, options);
    passed &&= runs.every(({ system, record }) => system !== 'haagent' || record.passed);
  }
  return passed;
};
