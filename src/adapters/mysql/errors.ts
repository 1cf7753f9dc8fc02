import { StepError, type StepErrorCode } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { fileErrorCode } from '../engine/files.ts';
import { errnoOf } from './session.ts';

/** What numbers of the servers mean, and codes of the file system: disk full, wrong password. */
const MEANINGS: ReadonlyMap<number | string, StepErrorCode> = new Map<number | string, StepErrorCode>([
  [1021, 'disk-full'],
  [1114, 'disk-full'],
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  [1045, 'wrong-password'],
  [1698, 'wrong-password'],
]);

/** For people: what was thrown, with the server's number. */
export const saidBy = (error: unknown): string => {
  const errno = errnoOf(error);
  const said = error instanceof Error ? error.message : String(error);
  return errno === undefined ? said : `${said} (error ${errno})`;
};

/**
 * Runs a step; whatever the server, the network or the file system threw becomes a `StepError` that says what was tried. An
 * abort keeps the signal's own reason.
 */
export const mapped = async <T>(what: string, step: Step, work: () => Promise<T>): Promise<T> => {
  step.signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    if (error instanceof StepError) throw error;
    step.signal.throwIfAborted();
    const code = MEANINGS.get(errnoOf(error) ?? fileErrorCode(error) ?? '') ?? 'failed';
    throw new StepError(code, `${what}: ${saidBy(error)}`, { cause: error });
  }
};
