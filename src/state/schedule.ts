import { AgentError } from '../core/errors.ts';

/** ISO 8601 with date, time and an explicit offset; a space may stand for the T and for nothing else. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * Parses the time of a scheduled operation. Returns wall clock milliseconds.
 * Throws `AgentError` `schedule-invalid` when it cannot be read, has no time zone (which would mean another moment on
 * every host), or has passed.
 */
export const parseSchedule = (text: string, wallNow: number): number => {
  const match = ISO_TIME.exec(text.trim());
  if (match === null)
    throw new AgentError('schedule-invalid', `The time "${text.slice(0, 64)}" cannot be read.`, {
      hint: 'Write it in ISO 8601 with a time zone, for instance 2026-01-31T04:00:00+01:00.',
    });
  if (match[3] === undefined)
    throw new AgentError('schedule-invalid', `The time "${text}" has no time zone.`, {
      hint: 'Add Z for UTC or an offset such as +01:00.',
    });
  const at = Date.parse(
    text
      .trim()
      .replace(/ (?=\d)/, 'T')
      .replace(' ', '')
      .toUpperCase(),
  );
  if (Number.isNaN(at))
    throw new AgentError('schedule-invalid', `The time "${text}" does not exist.`, {
      hint: 'Check day, hour and offset.',
    });
  if (at <= wallNow)
    throw new AgentError('schedule-invalid', `The time "${text}" has passed already.`, {
      hint: `It is ${new Date(wallNow).toISOString()} on this host.`,
    });
  return at;
};
