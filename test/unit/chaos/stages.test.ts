import { expect, test } from 'vitest';
import { readVitestReport, runStage, summaryLine } from '../../../scripts/stages.ts';

const never = new AbortController().signal;
const node = (script: string, deadlineMs = 10_000) => ({
  name: 'stage',
  file: process.execPath,
  args: ['-e', script],
  deadlineMs,
});

test('a stage without counts is one check', async () => {
  expect(await runStage(node(''), never)).toMatchObject({ passed: 1, failed: 0, problem: undefined });
  expect(await runStage(node('process.exit(3)'), never)).toMatchObject({
    passed: 0,
    failed: 1,
    problem: 'exit code 3',
  });
});

test('a stage that crashed has failed although all that it counted had passed', async () => {
  const stage = { ...node('process.exit(1)'), count: () => ({ passed: 5, failed: 0, skipped: 0, failures: [] }) };
  expect(await runStage(stage, never)).toMatchObject({ passed: 5, failed: 1, problem: 'exit code 1' });
});

test('a stage that left no counts has failed although it ended well', async () => {
  const stage = { ...node(''), count: () => undefined };
  expect(await runStage(stage, never)).toMatchObject({ passed: 0, failed: 1, problem: 'it left no report' });
});

test('a stage that is not done in time is killed and has failed', async () => {
  const result = await runStage(node('setInterval(() => {}, 1000)', 300), never);
  expect(result).toMatchObject({ passed: 0, failed: 1 });
  expect(result.problem).toContain('not done after 0.3 s');
});

test('a program that does not exist is a failed stage', async () => {
  const result = await runStage({ name: 'stage', file: '/nowhere/program', args: [], deadlineMs: 1_000 }, never);
  expect(result).toMatchObject({ failed: 1 });
  expect(result.problem).toContain('could not be started');
});

test('the last line names skipped tests only when there are some', () => {
  const some = { passed: 3, failed: 0, skipped: 0 };
  expect(summaryLine([some, { passed: 1, failed: 2, skipped: 0 }])).toBe('4 passed, 2 failed');
  expect(summaryLine([some, { passed: 0, failed: 0, skipped: 7 }])).toBe('3 passed, 0 failed, 7 skipped');
});

test('every failed test is told in one line, and so is a file that could not be loaded', () => {
  const report = readVitestReport({
    numPassedTests: 4,
    numFailedTests: 1,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [
      {
        name: `${process.cwd()}/test/e2e/some.test.ts`,
        status: 'failed',
        message: '',
        assertionResults: [
          { status: 'passed', fullName: 'it works', failureMessages: [] },
          {
            status: 'failed',
            fullName: 'it heals',
            failureMessages: ['\u001B[31mError\u001B[39m: no leader\n   after 30 s'],
          },
        ],
      },
      { name: `${process.cwd()}/broken.test.ts`, status: 'failed', message: 'SyntaxError', assertionResults: [] },
    ],
  });
  expect(report).toEqual({
    passed: 4,
    failed: 1,
    skipped: 2,
    failures: [
      'test/e2e/some.test.ts > it heals: Error: no leader after 30 s',
      'broken.test.ts > (the file): SyntaxError',
    ],
  });
  expect(readVitestReport({ numPassedTests: 1 })).toBeUndefined();
});
