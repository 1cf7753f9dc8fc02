import { AgentError } from '../core/errors.ts';
import { parseSchedule } from '../state/schedule.ts';
import type { Context } from './context.ts';
import { RefusedError } from './context.ts';

/** `--scheduled`: `now`, or a time with its zone. Returns wall clock milliseconds; undefined for now. */
export const scheduledAt = (context: Context, text: string | undefined): number | undefined => {
  if (text === undefined || text === 'now') return undefined;
  try {
    return parseSchedule(text, context.io.wall());
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new RefusedError({
      kind: 'refused',
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
};
