import { styleText } from 'node:util';
import { stringify } from 'yaml';
import type { CandidateReport } from '../core/candidates.ts';
import type { Refused } from '../ports/operations.ts';
import type { Io } from './io.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** The one place that writes for people and programs: results to standard output, messages to standard error. */
export interface Printer {
  readonly format: OutputFormat;
  /** Prints a value: as JSON or YAML, or as the text that `human` makes of it. */
  value(value: unknown, human: () => string): void;
  notice(text: string): void;
  warning(text: string): void;
  /** ERROR, DETAIL and HINT lines of something that was refused; as a JSON object on standard output where that is wanted. */
  refused(refusal: Refused): void;
  /** A line that replaces the one before on a terminal; plain lines elsewhere. */
  progress(text: string): void;
  endProgress(): void;
  paint(style: 'bold' | 'green' | 'red' | 'yellow' | 'dim', text: string): string;
}

export const createPrinter = (io: Io, format: OutputFormat): Printer => {
  const colours = io.outIsTerminal && io.env['NO_COLOR'] === undefined && io.env['TERM'] !== 'dumb';
  const errColours = io.errIsTerminal && io.env['NO_COLOR'] === undefined && io.env['TERM'] !== 'dumb';
  let inProgress = false;

  const endProgress = (): void => {
    if (inProgress && io.errIsTerminal) io.err('\r\u001B[K');
    inProgress = false;
  };
  const message = (label: string, style: 'red' | 'yellow' | 'bold', text: string): void => {
    endProgress();
    io.err(`${errColours ? styleText(style, `${label}:`, { validateStream: false }) : `${label}:`} ${text}\n`);
  };

  return {
    format,
    value(value, human) {
      endProgress();
      const text =
        format === 'json' ? JSON.stringify(value, undefined, 2) : format === 'yaml' ? stringify(value) : human();
      io.out(text.endsWith('\n') ? text : `${text}\n`);
    },
    notice: (text) => message('NOTICE', 'bold', text),
    warning: (text) => message('WARNING', 'yellow', text),
    refused(refusal) {
      endProgress();
      if (format === 'json') io.out(`${JSON.stringify({ error: refusal }, undefined, 2)}\n`);
      if (format === 'yaml') io.out(stringify({ error: refusal }));
      message('ERROR', 'red', refusal.message);
      for (const line of refusal.details ?? []) message('DETAIL', 'bold', line);
      for (const report of refusal.candidates ?? []) message('DETAIL', 'bold', candidateLine(report));
      if (refusal.hint !== undefined) message('HINT', 'bold', refusal.hint);
    },
    progress(text) {
      inProgress = true;
      io.err(io.errIsTerminal ? `\r\u001B[K${text}` : `${text}\n`);
    },
    endProgress,
    paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
  };
};

/** One member of the ranking in one line. */
export const candidateLine = (report: CandidateReport): string => {
  const standing = report.eligible ? `can lead (rank ${report.rank})` : 'cannot lead';
  const reasons = report.reasons.map(({ text }) => text).join('; ');
  return `${report.name} ${standing}${reasons === '' ? '' : `: ${reasons}`}`;
};
