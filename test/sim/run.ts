import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

/**
 * Runs the cluster simulation: `node test/sim/run.ts --seeds 1000 --seed 1 --trace`. Prints the timeline of the first
 * failing seed (with --trace: of every run) and ends with 1 when one failed.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
const started = performance.now();
const broken = new Map<string, number[]>();
const rules = new Set<string>();
let worst = { seed: 0, healedIn: 0 };
for (let seed = first; seed < first + count; seed++) {
  const outcome = simulate({ seed });
  for (const rule of outcome.rules) rules.add(rule);
  if (seed % 500 === 0) console.log(`… ${seed}`);
  if (values.trace || (outcome.broken !== undefined && broken.size === 0 && !values.all))
    console.log(outcome.lines.join('\n'));
  if (outcome.broken === undefined) {
    if (outcome.healedIn > worst.healedIn) worst = outcome;
    continue;
  }
  const kind = outcome.broken.replaceAll(/\d+/g, 'n').slice(0, 90);
  broken.set(kind, [...(broken.get(kind) ?? []), seed]);
  if (!values.all) break;
}
for (const [kind, seeds] of broken) console.log(`${seeds.length} x ${kind}: seeds ${seeds.slice(0, 8).join(', ')}`);
const took = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${count} seeds from ${first} in ${took} s; longest healing ${(worst.healedIn / 1000).toFixed(1)} s (seed ${worst.seed}); ` +
    `${rules.size} rules decided`,
);
process.exitCode = broken.size > 0 ? 1 : 0;
