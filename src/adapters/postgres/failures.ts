import { StepError, type StepErrorCode } from '../../core/errors.ts';
import type { RunResult } from '../../ports/processes.ts';

/** What PostgreSQL's programs say when they fail, in the C locale. One row a text that has a meaning of its own. */
const MEANINGS: readonly { readonly text: RegExp; readonly code: StepErrorCode }[] = [
  { text: /password authentication failed|no password supplied|fe_sendauth/, code: 'wrong-password' },
  { text: /No space left on device|Disk quota exceeded/, code: 'disk-full' },
  { text: /source and target clusters are from different systems/, code: 'other-cluster' },
];

export const meaningOf = (output: string): StepErrorCode =>
  MEANINGS.find((each) => each.text.test(output))?.code ?? 'failed';

/** The last lines of a program's output, for a message: short, one line. */
export const tailOf = (output: string, lines = 4): string =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-lines)
    .join(' | ')
    .slice(-1000);

/**
 * The output of a program that ended well. Otherwise throws `StepError` with the code that the output means.
 * @param what the sentence's beginning: "copying the data of a (host:port) with pg_basebackup"
 */
export const succeeded = (what: string, result: RunResult): { readonly stdout: string; readonly stderr: string } => {
  if (result.kind === 'exited' && result.code === 0) return result;
  throw failureOf(what, result);
};

const failureOf = (what: string, result: RunResult): StepError => {
  switch (result.kind) {
    case 'exited':
      return new StepError(
        meaningOf(result.stderr + result.stdout),
        `${what} failed with exit code ${result.code}: ${tailOf(result.stderr || result.stdout)}`,
      );
    case 'killed':
      return new StepError('failed', `${what} was ended by ${result.signal}: ${tailOf(result.stderr)}`);
    case 'timed-out':
      return new StepError('timed-out', `${what} was not done within its time: ${tailOf(result.stderr)}`);
    case 'not-started':
      return new StepError('failed', `${what} could not begin: ${result.why}; check bin_dir`);
    case 'aborted':
      return new StepError('failed', `${what} was given up because the agent needed the database for something else`);
    default:
      return result satisfies never;
  }
};
