/** `npm run chaos`: breaks a real cluster on purpose, in every way that is known, while clients write. See `usage`. */
import { parseArgs } from 'node:util';
import { compileSettings } from '../src/config/settings.ts';
import { faultNames, findScenarios, type ScenarioName } from './faults/faults.ts';
import { hasMysql } from './lab/mysql-server.ts';
import { engineNames } from './lab/server.ts';
import type { LabKind } from './suite/open-lab.ts';
import { runSuite } from './suite/suite.ts';

const usage = `npm run chaos -- --scenario NAME|all|states [--runs 1] [--report FILE] [--ttl 10] [--seed 1]
               [--engine postgres|mariadb|mysql] [--mode async|sync|quorum] [--lab process|container]

  --scenario  ${faultNames.join(', ')}; or several, with commas between;
              states: agent, guard and database killed and frozen in the middle of everything they do
  --report    a line of JSON for every run is added to this file; logs of runs that failed are kept in FILE.logs
  --ttl       how long a silent primary keeps its right, in seconds: 3 to 60
  --lab       process: every server is a process of this machine, on a host of its own (root) or on loopback;
              container: every host is a container (Linux, root)

Exit code: 0 when every run passed, 1 when one did not or none was made, 2 for a wrong command.`;

const refuse = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        engine: { type: 'string', default: 'postgres' },
        mode: { type: 'string', default: 'async' },
        scenario: { type: 'string' },
        runs: { type: 'string', default: '1' },
        report: { type: 'string' },
        lab: { type: 'string', default: 'process' },
        ttl: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
};

const wholeNumber = (text: string, name: string, least: number, most: number): number => {
  const value = Number(text);
  return Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(`--${name} ${text}: must be a whole number from ${least} to ${most}`);
};

const scenariosOf = (text: string | undefined): readonly ScenarioName[] => {
  if (text === undefined) return refuse('--scenario is missing');
  return text.split(',').flatMap((name) => findScenarios(name) ?? refuse(`--scenario ${name}: unknown`));
};

const given = readArguments();
if (given.help) {
  console.log(usage);
  process.exit(0);
}
const engine =
  engineNames.find((name) => name === given.engine) ??
  refuse(`--engine ${given.engine}: unknown; there are ${engineNames.join(', ')}`);
if (engine !== 'postgres' && !hasMysql(engine)) refuse(`--engine ${engine}: its servers are not installed here`);
if (given.mode !== 'async' && given.mode !== 'sync' && given.mode !== 'quorum')
  refuse(`--mode ${given.mode}: must be async, sync or quorum`);
if (compileSettings({ replication: { mode: given.mode } }).kind === 'faults')
  refuse(`--mode ${given.mode}: this version of haagent does not enforce it, so there is nothing to be broken`);
const lab: LabKind =
  given.lab === 'process' || given.lab === 'container'
    ? given.lab
    : refuse(`--lab ${given.lab}: must be process or container`);
if (lab === 'container' && engine !== 'postgres')
  refuse(`--engine ${engine}: containers are made with PostgreSQL only`);

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));

process.exitCode = await runSuite({
  scenarios: scenariosOf(given.scenario),
  runs: wholeNumber(given.runs, 'runs', 1, 10_000),
  lab,
  engine,
  mode: given.mode,
  ttlMs: wholeNumber(given.ttl, 'ttl', 3, 60) * 1_000,
  seed: wholeNumber(given.seed, 'seed', 0, 2 ** 31),
  report: given.report,
  signal: interrupted.signal,
});
