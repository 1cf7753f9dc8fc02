import { StepError, type StepErrorCode } from '../../core/errors.ts';
import type { RunResult } from '../../ports/processes.ts';

/** What the servers' programs say when they fail. One row a text that has a meaning of its own. */
const MEANINGS: readonly { readonly text: RegExp; readonly code: StepErrorCode }[] = [
  { text: /Access denied for user/, code: 'wrong-password' },
  { text: /No space left on device|Disk quota exceeded|disk full/i, code: 'disk-full' },
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
 * @param what the sentence's beginning: "copying the data of a (host:port) with mariadb-backup"
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
      return new StepError(
        'failed',
        `${what} could not begin: ${result.why}; is the package installed, and bin_dir right?`,
      );
    case 'aborted':
      return new StepError('failed', `${what} was given up because the agent needed the database for something else`);
    default:
      return result satisfies never;
  }
};
