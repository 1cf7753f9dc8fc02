import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { Log } from '../ports/log.ts';
import { createLineWriter } from './line-writer.ts';
import { redact, redactText } from './redact.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

export interface AgentLog extends Log {
  /** Opens the file again under its name: after a rotation. */
  reopen(): void;
  /** Writes what waits, at once. Can be called twice. */
  close(): void;
}

/**
 * The structured log: JSON lines with level, time (ISO 8601), event name, fields, and the message last. Without `logFile` it
 * goes to standard output. Writing never blocks and never fails the agent: a reader that stalls must not delay a
 * heartbeat (invariant I18). What waits is written when the process exits.
 */
export const createLog = (options: { readonly logLevel: Level; readonly logFile: string | undefined }): AgentLog => {
  const out = createLineWriter(options.logFile);
  const logger = pino(
    {
      level: options.logLevel,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => out.write(line) },
  );
  process.on('exit', out.close);
  return {
    ...wrap(logger, {}),
    reopen: out.reopen,
    close: () => {
      process.off('exit', out.close);
      out.close();
    },
  };
};

const wrap = (logger: Logger, context: Readonly<Record<string, unknown>>): Log => {
  const line =
    (level: Level) =>
    (event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (logger.isLevelEnabled(level))
        logger[level]({ event, ...context, ...asFields(redact(fields)) }, redactText(message));
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => wrap(logger, { ...context, ...asFields(redact(fields)) }),
  };
};

const asFields = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
