/** `npm run bench`: measures on a real cluster on this machine. See `usage`. Exit code 0 when all is as promised. */
import { parseArgs } from 'node:util';
import { faultNames, findFault } from '../faults/faults.ts';
import { benchFailover } from './failover.ts';
import { engineNames } from '../lab/server.ts';
import { benchFlood } from './flood.ts';
import { benchHealthRate, benchHealthStalled } from './health.ts';
import { benchIdle } from './idle.ts';
import { comparisonNames, isComparisonName } from './versus/comparisons.ts';
import { summarizeReport } from './versus/reports.ts';
import { benchVersus, VERSUS_SCENARIOS } from './versus/versus.ts';

const usage = `npm run bench -- --scenario NAME [--runs 10] [--ttl SECONDS] [--engine postgres|mariadb|mysql] [--mode async|sync|quorum]
                     outage for writers: ${faultNames.join(', ')}
npm run bench -- --idle [--seconds 60] [--ttl SECONDS]         processor, memory and etcd revisions of a resting cluster
npm run bench -- --flood [--seconds 20] [--ttl SECONDS]        5,000 health requests a second and 500 silent connections
npm run bench -- --health [--seconds 5] [--ttl SECONDS]        health answers a second on one core, and how late they are
                                                               while the database or etcd stands still
npm run bench -- --peer patroni [--scenario NAME,...|all] [--comparison NAME,...|all] [--runs 10] [--report FILE] [--plots FOLDER]
                     beside Patroni, in containers (Linux, root), in turn: ${VERSUS_SCENARIOS.join(', ')};
                     (--summary FILE only tells again what the reports of several commands say together)
                     comparisons: ${comparisonNames.join(', ')}; a line of JSON for every run is added to FILE

Measure on a machine that does nothing else.`;

const refuse = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        scenario: { type: 'string' },
        idle: { type: 'boolean', default: false },
        flood: { type: 'boolean', default: false },
        health: { type: 'boolean', default: false },
        engine: { type: 'string', default: 'postgres' },
        mode: { type: 'string', default: 'async' },
        runs: { type: 'string', default: '10' },
        ttl: { type: 'string' },
        seconds: { type: 'string' },
        peer: { type: 'string' },
        comparison: { type: 'string', default: 'all' },
        report: { type: 'string' },
        plots: { type: 'string' },
        summary: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
};

const number = (text: string, name: string, least: number): number => {
  const value = Number(text);
  return value >= least ? value : refuse(`--${name} ${text}: must be a number from ${least} up`);
};

const { scenario, idle, flood, health, ...given } = readArguments();
const runs = number(given.runs, 'runs', 1);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
const { signal } = interrupted;

/** The names of a list with commas between; `all` for all that there are. */
const namesOf = <T extends string>(
  text: string,
  option: string,
  all: readonly T[],
  find: (name: string) => T | undefined,
): readonly T[] =>
  text === 'all' ? all : text.split(',').map((name) => find(name) ?? refuse(`--${option} ${name}: unknown`));

const benchHealth = async (): Promise<boolean> => {
  const ttlMs = number(given.ttl ?? '10', 'ttl', 3) * 1_000;
  const options = { seconds: number(given.seconds ?? '5', 'seconds', 1), ttlMs, signal };
  const enough = await benchHealthRate(options);
  return (await benchHealthStalled(options)) && enough;
};

const MODES = ['async', 'sync', 'quorum'] as const;

const run = (): Promise<boolean> => {
  if (given.summary !== undefined) {
    console.log(summarizeReport(given.summary));
    return Promise.resolve(true);
  }
  if (given.peer !== undefined) {
    if (given.peer !== 'patroni') return refuse(`--peer ${given.peer}: only patroni can be measured`);
    return benchVersus({
      scenarios: namesOf(scenario ?? 'all', 'scenario', VERSUS_SCENARIOS, findFault),
      comparisons: namesOf(given.comparison, 'comparison', comparisonNames, (name) =>
        isComparisonName(name) ? name : undefined,
      ),
      runs,
      report: given.report,
      plots: given.plots,
      signal,
    });
  }
  if (idle)
    return benchIdle({
      seconds: number(given.seconds ?? '60', 'seconds', 5),
      ttlMs: number(given.ttl ?? '10', 'ttl', 3) * 1_000,
      signal,
    });
  if (flood)
    return benchFlood({
      seconds: number(given.seconds ?? '20', 'seconds', 5),
      ttlMs: number(given.ttl ?? '10', 'ttl', 3) * 1_000,
      perSecond: 5_000,
      silent: 500,
      signal,
    });
  if (health) return benchHealth();
  if (scenario === undefined) return refuse('nothing to measure was named');
  const name = findFault(scenario) ?? refuse(`--scenario ${scenario}: unknown`);
  const engine = engineNames.find((each) => each === given.engine) ?? refuse(`--engine ${given.engine}: unknown`);
  const mode =
    MODES.find((each) => each === given.mode) ?? refuse(`--mode ${given.mode}: must be async, sync or quorum`);
  return benchFailover({
    engine,
    mode,
    scenario: name,
    runs,
    ttlMs: number(given.ttl ?? '3', 'ttl', 3) * 1_000,
    signal,
  });
};

process.exitCode = (await run()) ? 0 : 1;
