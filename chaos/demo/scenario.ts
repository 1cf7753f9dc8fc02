import { createLab } from '../lab/process-lab.ts';
import type { EngineName } from '../lab/server.ts';
import { faults, type FaultName } from '../faults/faults.ts';
import { engineFor } from '../engines/engines.ts';
import type { ScenarioReport } from '../scenarios/report.ts';
import { runScenario } from '../scenarios/scenario.ts';

/** The one line for programs, always the last one. */
interface Verdict {
  readonly engine: string;
  readonly scenario: string;
  readonly oldPrimary: string | null;
  readonly newPrimary: string | null;
  readonly writeGapMs: number | null;
  readonly acked: number;
  readonly lost: number;
  readonly unreplicated: number;
  readonly duplicates: number;
  readonly passed: boolean;
}

const verdictOf = (report: ScenarioReport, asked: string): Verdict => ({
  engine: report.engine,
  scenario: asked,
  oldPrimary: report.oldPrimary,
  newPrimary: report.newPrimary ?? null,
  writeGapMs: report.gapProxyMs ?? null,
  acked: report.acked,
  lost: report.lost,
  unreplicated: report.unreplicated,
  duplicates: report.duplicates,
  passed: report.problems.length === 0 && report.gapProxyMs !== undefined,
});

const summaryOf = (report: ScenarioReport): string => {
  const changed = report.oldPrimary !== report.newPrimary;
  const rows: readonly (readonly [string, string])[] = [
    [
      'primary',
      changed
        ? `${report.oldPrimary}, then ${report.newPrimary ?? 'nobody for sure'}`
        : `${report.oldPrimary} all the time`,
    ],
    ['outage for writers', `${report.gapProxyMs} ms through HAProxy, ${report.gapDirectMs} ms straight to the members`],
    ['acknowledged writes', String(report.acked)],
    ['lost', `${report.lost} that another member had received`],
    ['not replicated', `${report.unreplicated} acknowledged, but not yet sent when the fault came (asynchronous mode)`],
    ['there twice', String(report.duplicates)],
    [
      'two primaries',
      report.dualWrites === 0 ? 'never' : `${report.dualWrites} writes, within ${report.dualWriteMs} ms`,
    ],
    [
      'whole again',
      report.healedMs === undefined
        ? 'not in time'
        : `${report.healedMs} ms after the fault: every member streams and holds the same rows`,
    ],
  ];
  return [
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(20)} ${value}`),
    ...report.problems.map((problem) => `  PROBLEM: ${problem}`),
    '',
  ].join('\n');
};

/** As people call them. */
export const PRODUCTS: Readonly<Record<EngineName, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
};

export interface ScenarioDemoOptions {
  readonly engine: EngineName;
  readonly scenario: FaultName;
  /** The scenario as it was asked for: some have two names. */
  readonly asked: string;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** Starts a cluster, does one fault to its primary under load, prints what clients saw. Returns the exit code. */
export const runDemoScenario = async (options: ScenarioDemoOptions): Promise<number> => {
  const { scenario, asked, ttlMs, signal } = options;
  const begun = performance.now();
  const progress = (line: string): void => {
    console.log(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  };
  const lab = await createLab({ engine: options.engine, members: 3, ttlMs, restartAfterMs: 100 });
  let verdict: Verdict = {
    engine: options.engine,
    scenario: asked,
    oldPrimary: null,
    newPrimary: null,
    writeGapMs: null,
    acked: 0,
    lost: 0,
    unreplicated: 0,
    duplicates: 0,
    passed: false,
  };
  const run = async (): Promise<void> => {
    progress(
      `starting etcd, HAProxy and three ${PRODUCTS[options.engine]} servers, each with its agent, in ${lab.dir}`,
    );
    await lab.start();
    const primary = await lab.waitForHealthy({ deadlineMs: 120_000 });
    progress(`${primary} is the primary and the others stream from it; writing through HAProxy and to every member`);
    const engine = engineFor(options.engine, lab);
    const report = await runScenario({ lab, engine, scenario, warmUpMs: 2_000, deadlineMs: ttlMs + 60_000, progress });
    console.log(summaryOf(report));
    verdict = verdictOf(report, asked);
  };
  const interrupt = (): void => void lab.stop();
  signal.addEventListener('abort', interrupt);
  try {
    signal.throwIfAborted();
    await run();
  } catch (error) {
    console.log(`\n${faults[scenario].sentence('the primary')}: not passed\n${String(error)}\n`);
  } finally {
    signal.removeEventListener('abort', interrupt);
    await lab.stop();
  }
  console.log(JSON.stringify(verdict));
  return verdict.passed ? 0 : 1;
};
