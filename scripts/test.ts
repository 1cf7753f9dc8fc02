/**
 * `npm test`: every check and every test, in one command. `npm test -- unit lint` runs the named stages only.
 * Before the last lines stands a line for each failed test. The last line is always `N passed, N failed` (with `, N skipped` when there are some); the exit code is 0 or 1.
 */
import { runStage, stages, summaryLine, withReports, type StageResult } from './stages.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

const wanted = process.argv.slice(2);

const results = await withReports(async (directory) => {
  const done: StageResult[] = [];
  for (const stage of stages(directory)) {
    if (wanted.length > 0 && !wanted.some((word) => stage.name.startsWith(word))) continue;
    if (interrupted.signal.aborted) break;
    console.log(`\n== ${stage.name}`);
    done.push(await runStage(stage, interrupted.signal));
  }
  return done;
});

console.log('');
for (const { name, tookMs, problem } of results)
  console.log(
    `${problem === undefined ? 'ok    ' : 'FAILED'} ${name} (${(tookMs / 1000).toFixed(1)} s)${problem === undefined ? '' : `: ${problem}`}`,
  );
const failures = results.flatMap((result) => result.failures);
for (const failure of failures) console.log(`FAILED ${failure}`);
const interruptedEarly = interrupted.signal.aborted;
if (interruptedEarly) console.log('interrupted: not everything was run');
if (results.length === 0 && !interruptedEarly) console.log(`no stage begins with: ${wanted.join(', ')}`);
console.log(summaryLine(results));
process.exitCode =
  results.length > 0 &&
  !interruptedEarly &&
  results.every(({ failed, problem }) => failed === 0 && problem === undefined)
    ? 0
    : 1;
