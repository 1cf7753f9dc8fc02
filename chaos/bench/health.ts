import { spawn } from 'node:child_process';
import { z } from 'zod';
import { AGENT_FLAGS } from '../../src/adapters/os/node-flags.ts';
import type { Lab } from '../lab/lab.ts';
import { createLab } from '../lab/process-lab.ts';
import { pause } from '../lab/wait.ts';
import { table } from '../table.ts';
import { CHECK, KEPT, sendLoad, type Load, type Measured } from './health-load.ts';

/** How fast health requests are answered: as many as one core can, and by a real agent while its world stands still. */

export interface HealthBenchOptions {
  readonly seconds: number;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** Promised: requests a second on one core over kept connections, and milliseconds within which 99 % are answered. */
const LEAST_PER_SECOND = 10_000;
const MOST_P99_MS = 10;

const WARM_UP: Load = { what: 'warm-up', connections: 32, request: KEPT, fresh: false };
const LOADS: readonly Load[] = [
  { what: 'GET /primary, kept', connections: 32, request: KEPT, fresh: false },
  {
    what: 'GET /replica?lag=10MB, kept',
    connections: 32,
    request: KEPT.replace('primary', 'replica?lag=10MB'),
    fresh: false,
  },
  { what: 'OPTIONS /primary, a new connection each', connections: 32, request: CHECK, fresh: true },
  { what: '5,000/s kept, 500 silent', connections: 32, request: KEPT, fresh: false, pace: 5_000, silent: 500 },
];

const childReport = z.record(z.string(), z.number());

/** The API in a process pinned to one core. Returns whether it answers as many a second as promised. */
export const benchHealthRate = async ({ seconds, signal }: HealthBenchOptions): Promise<boolean> => {
  const serve = new URL('health-serve.ts', import.meta.url).pathname;
  const child = spawn('taskset', ['-c', '0', process.execPath, ...AGENT_FLAGS, serve], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    signal,
  });
  const next = (): Promise<Record<string, number>> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(childReport.parse(message)));
      child.once('exit', (code) => reject(new Error(`the API's process ended with ${code}`)));
      child.once('error', reject);
    });
  const { port = 0 } = await next();
  await sendLoad(WARM_UP, port, 2);
  const rows: (readonly (string | number)[])[] = [];
  let kept = 0;
  for (const load of LOADS) {
    child.send('begin');
    const seen = await sendLoad(load, port, seconds);
    child.send('end');
    const { loopP99 = Number.NaN, cpuSeconds = Number.NaN } = await next();
    const perCpuSecond = Math.round(seen.answers / cpuSeconds);
    if (load === LOADS[0]) kept = seen.perSecond;
    const { perSecond, p50, p99 } = seen;
    console.log(JSON.stringify({ bench: 'health', load: load.what, perSecond, perCpuSecond, p50, p99, loopP99 }));
    rows.push([load.what, perSecond, perCpuSecond, ...[p50, p99, loopP99].map((ms) => ms.toFixed(1))]);
  }
  child.disconnect();
  const columns = ['load on one core', 'per second', 'per cpu second', 'p50 ms', 'p99 ms', 'loop p99 ms'];
  console.log(`\n${table(columns, rows)}\n`);
  return kept >= LEAST_PER_SECOND;
};

/** Far more than three load balancers ask, far less than what keeps a core busy. */
const GENTLE: readonly Load[] = [
  { what: '1,000/s kept', connections: 16, request: KEPT, fresh: false, pace: 1_000 },
  { what: '100/s new connections', connections: 4, request: CHECK, fresh: true, pace: 100 },
];

interface Phase {
  readonly name: string;
  readonly begin: (lab: Lab, leader: string) => Promise<void>;
  readonly end: (lab: Lab, leader: string) => Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();
const PHASES: readonly Phase[] = [
  { name: 'all well', begin: nothing, end: nothing },
  {
    name: 'database SIGSTOPped',
    begin: (lab, leader) => lab.freeze(leader, 'database'),
    end: (lab, leader) => lab.thaw(leader, 'database'),
  },
  { name: 'etcd paused', begin: (lab) => lab.etcd.freeze(), end: (lab) => lab.etcd.thaw() },
];

/** A real cluster whose leader is asked while its database, then etcd stands still. Returns whether it answers in time. */
export const benchHealthStalled = async ({ seconds, ttlMs, signal }: HealthBenchOptions): Promise<boolean> => {
  const lab = await createLab({ engine: 'postgres', members: 3, ttlMs });
  const interrupt = (): void => void lab.stop();
  signal.addEventListener('abort', interrupt);
  const rows: (readonly (string | number)[])[] = [];
  const seen: Measured[] = [];
  try {
    signal.throwIfAborted();
    await lab.start();
    for (const phase of PHASES) {
      const leader = await lab.waitForHealthy({ deadlineMs: 120_000 });
      const port = Number(new URL(lab.member(leader).apiUrl).port);
      if (phase === PHASES[0]) await Promise.all(GENTLE.map((load) => sendLoad(load, port, 5))); // compiles the code
      await pause(2_000);
      await phase.begin(lab, leader);
      const measured = await Promise.all(GENTLE.map((load) => sendLoad(load, port, seconds)));
      await phase.end(lab, leader);
      measured.forEach(({ answers, p50, p99, max }, index) => {
        const load = GENTLE[index]?.what ?? '';
        console.log(JSON.stringify({ bench: 'health', while: phase.name, load, answers, p50, p99, max }));
        rows.push([phase.name, load, answers, ...[p50, p99, max].map((ms) => ms.toFixed(1))]);
      });
      seen.push(...measured);
    }
  } finally {
    signal.removeEventListener('abort', interrupt);
    await lab.stop();
  }
  console.log(`\n${table(['while', 'asked', 'answers', 'p50 ms', 'p99 ms', 'max ms'], rows)}`);
  return seen.every(({ p99 }) => p99 < MOST_P99_MS);
};
