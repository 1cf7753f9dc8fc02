/** `npm run bench`: measures on a real cluster on this machine. See `usage`. Exit code 0 when all is as promised. */
import { parseArgs } from 'node:util';
import { faultNames, findFault } from '../faults/faults.ts';
import { benchFailover } from './failover.ts';
import { benchFlood } from './flood.ts';
import { benchIdle } from './idle.ts';

const usage = `npm run bench -- --scenario NAME [--runs 10] [--ttl SECONDS]   outage for writers: ${faultNames.join(', ')}
npm run bench -- --idle [--seconds 60] [--ttl SECONDS]         processor, memory and etcd revisions of a resting cluster
npm run bench -- --flood [--seconds 20] [--ttl SECONDS]        5,000 health requests a second and 500 silent connections

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
        runs: { type: 'string', default: '10' },
        ttl: { type: 'string' },
        seconds: { type: 'string' },
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

const { scenario, idle, flood, ...given } = readArguments();
const runs = number(given.runs, 'runs', 1);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
const { signal } = interrupted;

const run = (): Promise<boolean> => {
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
  if (scenario === undefined) return refuse('nothing to measure was named');
  const name = findFault(scenario) ?? refuse(`--scenario ${scenario}: unknown`);
  return benchFailover({ scenario: name, runs, ttlMs: number(given.ttl ?? '3', 'ttl', 3) * 1_000, signal });
};

process.exitCode = (await run()) ? 0 : 1;
