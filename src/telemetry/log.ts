import { destination, pino, stdTimeFunctions, type Logger } from 'pino';
import type { Log } from '../ports/log.ts';

/** Names whose values never reach the log, at any depth. */
const SECRET = /pass(word|wd|file)?$|secret|token|authorization|credential|private_?key/i;

/** A copy of `value` without secrets, bigints as text, errors as their message and stack; deep values are cut off. */
export const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return { type: value.name, message: value.message, stack: value.stack };
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 6) return '…';
  if (Array.isArray(value)) return value.map((each) => redact(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, SECRET.test(key) ? '***' : redact(each, depth + 1)]),
  );
};

/**
 * The structured log: JSON lines, event name first, time as ISO 8601. Without `logFile` it goes to standard output.
 */
export const createLog = (options: {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFile: string | undefined;
}): Log =>
  wrap(
    pino(
      {
        level: options.logLevel,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination({ dest: options.logFile ?? 1, sync: true, mkdir: true }),
    ),
    {},
  );

const wrap = (logger: Logger, context: Readonly<Record<string, unknown>>): Log => {
  const line =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (logger.isLevelEnabled(level)) logger[level]({ event, ...context, ...asFields(redact(fields)) }, message);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => wrap(logger, { ...context, ...fields }),
  };
};

const asFields = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
