import { parseArgs } from 'node:util';
import { FOUND_IN } from './bugs/found.ts';
import { bugs, hunt, huntLine, MOST } from './bugs/hunt.ts';
import { isProfile, PROFILES } from './faults/profiles.ts';
import { runSearches } from './search/run.ts';
import { runSeeds } from './seeds.ts';
import { measureSpeed } from './speed.ts';

/**
 * The cluster simulation: `npm run sim -- --seeds 1000 --seed 1`. `--seed S --trace` prints the timeline of one seed;
 * `--seeded-bugs` plants each known bug and looks for it; `--exhaustive` looks at every state of small clusters; `--speed` measures. Ends with 1 when a promise was broken, or a bug was not found.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    'seeded-bugs': { type: 'boolean', default: false },
    exhaustive: { type: 'boolean', default: false },
    speed: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    states: { type: 'string', default: '400000' },
    seconds: { type: 'string', default: '600' },
    only: { type: 'string' },
    most: { type: 'string' },
    profile: { type: 'string' },
  },
});

const seed = Number(values.seed);
if (values.profile !== undefined && !isProfile(values.profile))
  throw new Error(`no such profile: ${values.profile}; there are ${Object.keys(PROFILES).join(', ')}`);
const { profile } = values;

const seededBugs = async (): Promise<boolean> => {
  const atLeast = Number(values.seeds ?? 1);
  const asked = bugs.filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
  const wanted = values.short ? asked.filter(({ id }) => id in FOUND_IN) : asked;
  let missed = 0;
  for (const bug of wanted) {
    const result = await hunt(bug, {
      from: values.short ? (FOUND_IN[bug.id] ?? 1) : seed,
      atLeast,
      most: Number(values.most ?? MOST),
    });
    if (result.first === undefined) missed += 1;
    console.log(huntLine(result));
  }
  console.log(`${wanted.length - missed} of ${wanted.length} seeded bugs found`);
  return missed === 0;
};

const seeds = (): boolean =>
  runSeeds({
    first: seed,
    profile,
    count: Number(values.seeds ?? (values.trace ? 1 : 100)),
    trace: values.trace,
    all: values.all,
  });
const searches = (): boolean =>
  runSearches({ short: values.short, most: Number(values.states), seconds: Number(values.seconds) });

const good = values.speed
  ? measureSpeed(5)
  : values['seeded-bugs']
    ? await seededBugs()
    : values.exhaustive
      ? searches()
      : seeds();
process.exitCode = good ? 0 : 1;
