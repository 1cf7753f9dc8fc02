import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { comparisonNames, comparisons } from './comparisons.ts';
import { summarize, type Rested, type Run } from './summary.ts';

const figure = z.number().nullable();
const common = z.object({ comparison: z.enum(comparisonNames), peer: z.literal('patroni').nullable() });
const restLine = common.extend({
  scenario: z.literal('rest'),
  leaderCpu: z.number(),
  leaderMib: z.number(),
  replicaCpu: z.number(),
  replicaMib: z.number(),
  revisions: z.number(),
});
const runLine = common.extend({
  scenario: z.string(),
  rtoDirectMs: figure,
  rtoProxyMs: figure,
  rejoinMs: figure,
  lost: z.number(),
  dualWriteMs: z.number(),
  load: z.number(),
});
const line = z.union([restLine, runLine]);

/**
 * What the lines of a report say when all its runs are taken together, by comparison. Throws with the number of the line
 * that is not one of this bench.
 */
export const summarizeReport = (file: string): string => {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (text === '') return [];
      const parsed = line.safeParse(JSON.parse(text));
      if (!parsed.success)
        throw new Error(`${file}: line ${index + 1} is not one of this bench: ${parsed.error.message}`);
      return [{ ...parsed.data, system: parsed.data.peer ?? ('haagent' as const) }];
    });
  const chapters = comparisonNames.flatMap((name) => {
    const runs: Run[] = [];
    const rests: Rested[] = [];
    const loads: number[] = [];
    for (const found of lines.filter(({ comparison }) => comparison === name))
      if ('revisions' in found) rests.push({ system: found.system, rest: found });
      else {
        runs.push({ system: found.system, record: found });
        loads.push(found.load);
      }
    if (runs.length === 0 && rests.length === 0) return [];
    const range = loads.length === 0 ? '-' : `${Math.min(...loads)} to ${Math.max(...loads)}`;
    return [
      `${name}: ${comparisons[name].sentence}\nload average of the machine: ${range}\n\n${summarize(runs, rests)}`,
    ];
  });
  return chapters.join('\n\n');
};
