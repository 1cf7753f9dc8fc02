import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One part of `npm test`: a program that must end with 0 in time. */
export interface Stage {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly deadlineMs: number;
  /** Reads what the program left after it has ended; undefined when it left nothing. */
  readonly count?: () => Report | undefined;
}

/** What the report of a test program says: the counts, and a line for each test that failed. */
export interface Report extends Tally {
  readonly failures: readonly string[];
}

export interface StageResult extends Report {
  readonly name: string;
  readonly tookMs: number;
  /** Why the stage as a whole did not succeed. */
  readonly problem: string | undefined;
}

const MINUTE = 60_000;

const check = (name: string, file: string, args: readonly string[], deadlineMs = 2 * MINUTE): Stage => ({
  name,
  file,
  args,
  deadlineMs,
});

/** What vitest's JSON reporter writes, as far as it is counted here. */
const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

const FAILURE_LENGTH = 300;

/** One line that tells which test failed and how, short enough for the end of a long log. */
const failureLine = (path: string, test: string, message: string): string => {
  const plain = stripVTControlCharacters(message).replaceAll(/\s+/gu, ' ').trim();
  return `${relative(process.cwd(), path)} > ${test}: ${plain.slice(0, FAILURE_LENGTH)}`;
};

/** Reads what vitest's JSON reporter wrote; undefined when it is something else. */
export const readVitestReport = (json: unknown): Report | undefined => {
  const parsed = vitestReport.safeParse(json);
  if (!parsed.success) return undefined;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = parsed.data;
  const failures = testResults.flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    // A file that could not be loaded, or whose set-up failed, has failed without any test that did.
    if (failed.length === 0 && file.status === 'failed') return [failureLine(file.name, '(the file)', file.message)];
    return failed.map((one) => failureLine(file.name, one.fullName, one.failureMessages?.join(' ') ?? ''));
  });
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests, failures };
};

const tests = (name: string, deadlineMs: number, reports: string, projects: readonly string[] = [name]): Stage => {
  const report = join(reports, `${name}.json`);
  return {
    name: `${name} tests`,
    file: 'vitest',
    args: [
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    deadlineMs,
    count: () => readVitestReport(JSON.parse(readFileSync(report, 'utf8'))),
  };
};

/** Everything that `npm test` runs, cheapest first. `reports` is a directory for the counts. */
export const stages = (reports: string): readonly Stage[] => [
  check('format', 'prettier', ['--check', '--log-level=warn', '.']),
  check('lint', 'oxlint', ['--type-aware']),
  check('types', 'tsc', ['-p', 'tsconfig.json']),
  check('unused code', 'knip', []),
  check('generated documents', 'node', ['scripts/generate-docs.ts', '--check']),
  tests('unit', 5 * MINUTE, reports),
  check('simulation', 'node', ['test/sim/run.ts', '--seeds', '1000'], 6 * MINUTE),
  check('seeded bugs', 'node', ['test/sim/run.ts', '--seeded-bugs', '--short'], 8 * MINUTE),
  check('exhaustive search', 'node', ['test/sim/run.ts', '--exhaustive', '--short', '--seconds', '45'], 3 * MINUTE),
  tests('contract', 6 * MINUTE, reports),
  tests('integration', 15 * MINUTE, reports),
  tests('versions', 12 * MINUTE, reports, ['postgres-17', 'postgres-18']),
  tests('e2e', 25 * MINUTE, reports),
  tests('containers', 20 * MINUTE, reports),
];

/** A directory for reports that is gone after `use`. */
export const withReports = async <T>(use: (directory: string) => Promise<T>): Promise<T> => {
  const directory = mkdtempSync(join(tmpdir(), 'haagent-test-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** How a program ended: its exit code, a signal, or that it could not be started or had to be ended. */
const runToEnd = (stage: Stage, signal: AbortSignal): Promise<string | undefined> =>
  new Promise((resolve) => {
    const child = spawn(stage.file, stage.args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const killAll = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // it has just ended by itself
      }
    };
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      killAll();
    }, stage.deadlineMs);
    signal.addEventListener('abort', killAll);
    const finish = (problem: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', killAll);
      resolve(overdue ? `not done after ${stage.deadlineMs / 1000} s: it was killed` : problem);
    };
    child.once('error', (error) => finish(`could not be started: ${error.message}`));
    child.once('exit', (code, by) =>
      finish(code === 0 ? undefined : by === null ? `exit code ${code}` : `ended by ${by}`),
    );
  });

const NOTHING: Report = { passed: 0, failed: 0, skipped: 0, failures: [] };

const readCount = (stage: Stage): Report | undefined => {
  try {
    return stage.count?.();
  } catch {
    return undefined; // it crashed before it wrote its report
  }
};

/** Runs one stage to its end. A stage without counts is one check; one that crashed has failed, whatever it counted. */
export const runStage = async (stage: Stage, signal: AbortSignal): Promise<StageResult> => {
  const begun = performance.now();
  const problem = await runToEnd(stage, signal);
  const tookMs = Math.round(performance.now() - begun);
  const whole: Report = problem === undefined ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
  if (stage.count === undefined) return { ...whole, name: stage.name, tookMs, problem };
  const counted = readCount(stage);
  if (counted === undefined)
    return { ...NOTHING, failed: 1, name: stage.name, tookMs, problem: problem ?? 'it left no report' };
  const failed = problem !== undefined && counted.failed === 0 ? 1 : counted.failed;
  return { ...counted, failed, name: stage.name, tookMs, problem };
};

/** The last line of `npm test`. */
export const summaryLine = (results: readonly Tally[]): string => {
  const sum = (of: (tally: Tally) => number): number => results.reduce((total, tally) => total + of(tally), 0);
  const skipped = sum((tally) => tally.skipped);
  const line = `${sum((tally) => tally.passed)} passed, ${sum((tally) => tally.failed)} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
};
