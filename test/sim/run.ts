import { parseArgs } from 'node:util';
import { FOUND_IN } from './bugs/found.ts';
import { bugs, hunt, huntLine, MOST } from './bugs/hunt.ts';
import { isProfile, PROFILES } from './faults/profiles.ts';
import { runSearches } from './search/run.ts';
import { runSeeds } from './seeds.ts';
import { measureSpeed } from './speed.ts';

const usage = `npm run sim -- [--seeds 100] [--seed 1] [--profile NAME] [--all] [--trace]
               runs whole clusters in one process, one a seed, until a promise is broken
npm run sim -- --seeded-bugs [--short] [--only ID,...] [--seeds 1] [--most ${MOST}]
               plants each known bug and looks for it
npm run sim -- --exhaustive [--short] [--states 400000] [--seconds 600]
               looks at every state of small clusters
npm run sim -- --speed
               measures failovers a second

  --seeds     how many, from --seed on; with --seeded-bugs: at least so many for each bug, and at most --most
  --trace     prints the timeline of the seed
  --all       goes on behind a seed that failed
  --profile   ${Object.keys(PROFILES).join(', ')}
  --short     what npm test runs

Exit code: 0 when all is well, 1 when a promise was broken or a bug was not found, 2 for a wrong command.`;

/** The cluster simulation from the command line. */
const refuse = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const readArguments = () => {
  try {
    return parseArgs({
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
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
};

const values = readArguments();
if (values.help) {
  console.log(usage);
  process.exit(0);
}

/** The number given as this option, or `otherwise`. */
const number = (name: 'seeds' | 'seed' | 'states' | 'seconds' | 'most', otherwise: number): number => {
  const text = values[name];
  const value = text === undefined ? otherwise : Number(text);
  return Number.isSafeInteger(value) && value >= 1
    ? value
    : refuse(`--${name} ${text}: must be a whole number from 1 on`);
};

const seed = number('seed', 1);
const { profile } = values;
const chosen = profile === undefined || isProfile(profile) ? profile : refuse(`--profile ${profile}: unknown`);
const only = values.only?.split(',');
const unknown = only?.find((id) => bugs.every((bug) => bug.id !== id));
if (unknown !== undefined)
  refuse(`--only ${unknown}: there is no such bug; there are ${bugs.map(({ id }) => id).join(', ')}`);

const seededBugs = async (): Promise<boolean> => {
  const atLeast = number('seeds', 1);
  const asked = bugs.filter(({ id }) => only === undefined || only.includes(id));
  const wanted = values.short ? asked.filter(({ id }) => id in FOUND_IN) : asked;
  let missed = 0;
  for (const bug of wanted) {
    const result = await hunt(bug, {
      from: values.short ? (FOUND_IN[bug.id] ?? 1) : seed,
      atLeast,
      most: number('most', MOST),
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
    profile: chosen,
    count: number('seeds', values.trace ? 1 : 100),
    trace: values.trace,
    all: values.all,
  });
const searches = (): boolean =>
  runSearches({ short: values.short, most: number('states', 400_000), seconds: number('seconds', 600) });

const good = values.speed
  ? measureSpeed(5)
  : values['seeded-bugs']
    ? await seededBugs()
    : values.exhaustive
      ? searches()
      : seeds();
process.exitCode = good ? 0 : 1;
