import { appendFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { engineFor } from '../engines/engines.ts';
import { faultOf, lackOf, type ScenarioName } from '../faults/faults.ts';
import type { Lab } from '../lab/lab.ts';
import type { EngineName } from '../lab/server.ts';
import { recordOf, type RunRecord } from '../scenarios/report.ts';
import { runScenario } from '../scenarios/scenario.ts';
import { keepEvidence } from './evidence.ts';
import { openLab, type LabKind } from './open-lab.ts';
import { summaryOf, type Entry } from './summary.ts';

export interface SuiteOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly runs: number;
  readonly lab: LabKind;
  readonly engine: EngineName;
  readonly mode: string;
  readonly ttlMs: number;
  readonly seed: number;
  /** Where a line for every run is added. */
  readonly report: string | undefined;
  readonly signal: AbortSignal;
}

const WARM_UP_MS = 1_500;
/** So much longer than a fault's own bound an outage may be on a machine that runs the whole cluster and its clients. */
const ALLOWANCE_MS = 3_000;
/** With more than this for each processor to do, how long something took says nothing: it is reported and not judged. */
const JUDGED_LOAD = 5;
const DEADLINE_MS = 60_000;

const nothingKnown = (scenario: ScenarioName, options: SuiteOptions): RunRecord => ({
  engine: options.engine,
  mode: options.mode,
  scenario,
  ttl: options.ttlMs / 1_000,
  peer: null,
  rtoDirectMs: null,
  rtoProxyMs: null,
  acked: 0,
  lost: 0,
  dualWriteMs: 0,
  weakAcks: 0,
  rejoinMs: null,
  settled: false,
  load: loadavg()[0] ?? 0,
  passed: false,
});

/** One cluster after the other: a cluster serves until a run in it fails. */
const createClusters = (options: SuiteOptions, say: (line: string) => void) => {
  let lab: Lab | undefined;
  const interrupt = (): void => void lab?.stop();
  options.signal.addEventListener('abort', interrupt);
  const close = async (): Promise<void> => {
    await lab?.stop();
    lab = undefined;
  };
  return {
    current: async (): Promise<Lab> => {
      if (lab !== undefined) return lab;
      say('starting a cluster of three with three etcd servers and HAProxy ...');
      lab = await openLab(options);
      say(`it runs in ${lab.dir}; it can do: ${['signals', ...lab.capabilities].join(', ')}`);
      return lab;
    },
    close,
    end: async (): Promise<void> => {
      options.signal.removeEventListener('abort', interrupt);
      await close();
    },
  };
};

/** Does scenario after scenario, prints and records what came of each. Returns the exit code. */
export const runSuite = async (options: SuiteOptions): Promise<number> => {
  const begun = performance.now();
  const say = (line: string): void => {
    console.log(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
  };
  const logs = options.report === undefined ? join(tmpdir(), `haagent-chaos-${process.pid}`) : `${options.report}.logs`;
  const clusters = createClusters(options, say);
  const entries: Entry[] = [];
  const note = (entry: Entry): void => {
    entries.push(entry);
    if (options.report !== undefined)
      appendFileSync(
        options.report,
        `${JSON.stringify(entry.notRun === undefined ? entry.record : { ...entry.record, notRun: entry.notRun })}\n`,
      );
  };

  const runOne = async (scenario: ScenarioName, run: number): Promise<void> => {
    const lab = await clusters.current();
    const notRun = lackOf(faultOf(scenario), lab);
    if (notRun !== undefined) {
      say(`${scenario}: NOT RUN: ${notRun}`);
      note({ run, record: nothingKnown(scenario, options), problems: [], notRun });
      return;
    }
    const deadlineMs = options.ttlMs + DEADLINE_MS;
    const progress = (line: string): void => say(`  ${line}`);
    say(`${scenario} (run ${run + 1} of ${options.runs})`);
    const busy = (loadavg()[0] ?? 0) > JUDGED_LOAD * availableParallelism();
    if (busy) say('  the machine has too much to do: the length of the outage will not be judged');
    let entry: Entry;
    try {
      const report = await runScenario({
        lab,
        engine: engineFor(options.engine, lab),
        scenario,
        warmUpMs: WARM_UP_MS + ((run % 10) / 10) * (options.ttlMs / 5),
        deadlineMs,
        seed: options.seed + run,
        ...(busy ? {} : { allowanceMs: ALLOWANCE_MS }),
        thorough: true,
        durable: options.mode !== 'async',
        progress,
      });
      const how = { mode: options.mode, ttlMs: options.ttlMs, peer: null, load: loadavg()[0] ?? 0 };
      entry = { run, record: recordOf(report, how), problems: report.problems, notRun: undefined };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      entry = { run, record: nothingKnown(scenario, options), problems: [problem], notRun: undefined };
    }
    if (options.signal.aborted) return;
    note(entry);
    if (entry.record.passed) return;
    const kept = join(logs, `${scenario.replaceAll('/', '-')}-${run + 1}-${basename(lab.dir)}`);
    await keepEvidence(lab, kept);
    for (const problem of entry.problems) say(`  PROBLEM: ${problem.split('\n--- ')[0]}`);
    say(`  logs are kept in ${kept}; the next scenario gets a new cluster`);
    await clusters.close();
  };

  try {
    for (let run = 0; run < options.runs; run += 1)
      for (const scenario of options.scenarios) {
        options.signal.throwIfAborted();
        await runOne(scenario, run);
      }
  } catch (error) {
    say(`it ends here: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await clusters.end();
    console.log(summaryOf(entries));
  }
  const made = entries.filter(({ notRun }) => notRun === undefined);
  return made.length > 0 && made.every(({ record }) => record.passed) ? 0 : 1;
};
