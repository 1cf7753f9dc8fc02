import { loadavg } from 'node:os';
import { createLab } from '../lab/process-lab.ts';
import type { FaultName } from '../faults/faults.ts';
import { engineFor } from '../engines/engines.ts';
import type { EngineName } from '../lab/server.ts';
import { recordOf, type ScenarioReport } from '../scenarios/report.ts';
import { runScenario } from '../scenarios/scenario.ts';
import { median, quantile } from './stats.ts';
import { table } from '../table.ts';

export interface FailoverBenchOptions {
  readonly engine: EngineName;
  readonly mode: 'async' | 'sync' | 'quorum';
  readonly scenario: FaultName;
  readonly runs: number;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** Writers begin this long before the fault, plus a part of a heartbeat, so that no run meets the same moment of the loop. */
const WARM_UP_MS = 1_000;
const PHASES = 10;

const line = (report: ScenarioReport, { mode, ttlMs }: FailoverBenchOptions): string =>
  JSON.stringify({
    ...recordOf(report, { mode, ttlMs, peer: null, load: loadavg()[0] ?? 0 }),
    unreplicated: report.unreplicated,
  });

const summaryOf = (reports: readonly ScenarioReport[], options: FailoverBenchOptions): string => {
  const row = (name: string, values: readonly (number | undefined)[]): readonly (string | number | undefined)[] => {
    const known = values.filter((value) => value !== undefined);
    return [name, known.length, median(known), quantile(known, 0.95), quantile(known, 1)];
  };
  const failed = reports.filter(({ problems }) => problems.length > 0).length;
  const total = (of: (report: ScenarioReport) => number): number =>
    reports.reduce((sum, report) => sum + of(report), 0);
  return [
    '',
    `${options.engine}, ${options.mode}: ${options.scenario}, ttl ${options.ttlMs / 1_000} s, three members, one etcd, all on this machine`,
    table(
      ['write gap in ms', 'runs', 'median', 'p95', 'max'],
      [
        row(
          'direct',
          reports.map(({ gapDirectMs }) => gapDirectMs),
        ),
        row(
          'HAProxy',
          reports.map(({ gapProxyMs }) => gapProxyMs),
        ),
        row(
          'until whole again',
          reports.map(({ healedMs }) => healedMs),
        ),
      ],
    ),
    `${total(({ lost }) => lost)} of ${total(({ acked }) => acked)} acknowledged writes lost, ` +
      `${total(({ unreplicated }) => unreplicated)} not replicated when the fault came, ${failed} runs not passed`,
  ].join('\n');
};

/** Does one fault again and again to the primary of one cluster. Returns whether every run passed. */
export const benchFailover = async (options: FailoverBenchOptions): Promise<boolean> => {
  const lab = await createLab({
    engine: options.engine,
    members: 3,
    ttlMs: options.ttlMs,
    restartAfterMs: 100,
    settings: { replication: { mode: options.mode } },
  });
  const interrupt = (): void => void lab.stop();
  options.signal.addEventListener('abort', interrupt);
  const reports: ScenarioReport[] = [];
  try {
    options.signal.throwIfAborted();
    await lab.start();
    await lab.waitForHealthy({ deadlineMs: 120_000 });
    const engine = engineFor(options.engine, lab);
    for (let run = 0; run < options.runs; run += 1) {
      const phaseMs = ((run % PHASES) / PHASES) * (options.ttlMs / 5);
      const report = await runScenario({
        lab,
        engine,
        scenario: options.scenario,
        warmUpMs: WARM_UP_MS + phaseMs,
        deadlineMs: options.ttlMs + 60_000,
        durable: options.mode !== 'async',
        progress: () => undefined,
      });
      reports.push(report);
      console.log(line(report, options));
      for (const problem of report.problems) console.log(`  ${problem}`);
    }
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    await lab.stop();
  }
  console.log(summaryOf(reports, options));
  return reports.every(({ problems }) => problems.length === 0);
};
