import { StepError, type StepErrorCode } from '../../core/errors.ts';
import type { RunResult } from '../../ports/processes.ts';

/** What an engine's programs say when they fail: one row a text that has a meaning of its own. */
export type Meanings = readonly { readonly text: RegExp; readonly code: StepErrorCode }[];

export interface Failures {
  meaningOf(output: string): StepErrorCode;
  /**
   * The output of a program that ended well. Otherwise throws `StepError` with the code that the output means.
   * @param what the sentence's beginning: "copying the data of a (host:port) with pg_basebackup"
   */
  succeeded(what: string, result: RunResult): { readonly stdout: string; readonly stderr: string };
}

/** The last lines of a program's output, for a message: short, one line. */
export const tailOf = (output: string, lines = 4): string =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-lines)
    .join(' | ')
    .slice(-1000);

/** @param missing what to do where a program could not begin: "check bin_dir" */
export const createFailures = (meanings: Meanings, missing: string): Failures => {
  const meaningOf = (output: string): StepErrorCode => meanings.find(({ text }) => text.test(output))?.code ?? 'failed';

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
        return new StepError('failed', `${what} could not begin: ${result.why}; ${missing}`);
      case 'aborted':
        return new StepError('failed', `${what} was given up because the agent needed the database for something else`);
      default:
        return result satisfies never;
    }
  };

  return {
    meaningOf,
    succeeded: (what, result) => {
      if (result.kind === 'exited' && result.code === 0) return result;
      throw failureOf(what, result);
    },
  };
};
