import type { RunRecord } from '../scenarios/report.ts';
import { table } from '../table.ts';

/** One run, or why it was not made. */
export interface Entry {
  readonly run: number;
  readonly record: RunRecord;
  readonly problems: readonly string[];
  readonly notRun: string | undefined;
}

const verdictOf = ({ record, problems, notRun }: Entry): string => {
  if (notRun !== undefined) return `not run: ${notRun}`;
  const [first = 'FAILED'] = problems;
  return record.passed ? 'passed' : `FAILED: ${first.split('\n')[0] ?? ''}`;
};

const rowOf = (entry: Entry): readonly (string | number | undefined)[] => {
  const { record, run, notRun } = entry;
  const measured = [
    record.rtoDirectMs ?? undefined,
    record.rtoProxyMs ?? undefined,
    record.acked,
    record.lost,
    record.dualWriteMs,
    record.weakAcks,
    record.rejoinMs ?? undefined,
    record.load.toFixed(1),
  ];
  return [
    record.scenario,
    run + 1,
    ...(notRun === undefined ? measured : measured.map(() => undefined)),
    verdictOf(entry),
  ];
};

/** What came of every run, as a table and a line. */
export const summaryOf = (entries: readonly Entry[]): string => {
  const notRun = entries.filter((entry) => entry.notRun !== undefined).length;
  const passed = entries.filter(({ record }) => record.passed).length;
  const heading = [
    'scenario',
    'run',
    'direct ms',
    'HAProxy ms',
    'acked',
    'lost',
    'dual ms',
    'weak',
    'whole ms',
    'load',
    '',
  ];
  return [
    '',
    table(heading, entries.map(rowOf)),
    '',
    `${passed} passed, ${entries.length - passed - notRun} failed, ${notRun} not run`,
  ].join('\n');
};
