import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { fileErrorCode } from '../engine/files.ts';
import { sqlStateOf } from './session.ts';

/** Disk full, in PostgreSQL's and in the file system's words. */
const FULL: ReadonlySet<string> = new Set(['53100', 'ENOSPC', 'EDQUOT']);

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
    const state = sqlStateOf(error);
    const code = FULL.has(state ?? fileErrorCode(error) ?? '') ? 'disk-full' : 'failed';
    const said = error instanceof Error ? error.message : String(error);
    throw new StepError(code, `${what}: ${said}${state === undefined ? '' : ` (SQLSTATE ${state})`}`, { cause: error });
  }
};
