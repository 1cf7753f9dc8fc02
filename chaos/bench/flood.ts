import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { pause } from '../lab/wait.ts';
import { createLab } from '../lab/process-lab.ts';
import type { Lab } from '../lab/lab.ts';
import { median, quantile } from './stats.ts';
import { table } from '../table.ts';

export interface FloodBenchOptions {
  readonly seconds: number;
  readonly ttlMs: number;
  readonly perSecond: number;
  readonly silent: number;
  readonly signal: AbortSignal;
}

const floodReport = z.object({ sent: z.number(), answers: z.number(), seconds: z.number() });

/** Times between two heartbeats of the leader, as etcd saw them, while `during` runs. */
const heartbeatGaps = async (lab: Lab, during: () => Promise<void>): Promise<readonly number[]> => {
  const arrivals: number[] = [];
  const ending = new AbortController();
  const watching = lab.etcd.client.watch(
    '/',
    (key) => {
      if (key.endsWith(`/${lab.cluster}/heartbeat`)) arrivals.push(performance.now());
    },
    ending.signal,
  );
  try {
    await Promise.race([during(), watching]);
  } finally {
    ending.abort();
    await watching;
  }
  return arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at));
};

const flood = async (port: number, options: FloodBenchOptions): Promise<z.infer<typeof floodReport>> => {
  const worker = new Worker(new URL('flood-client.ts', import.meta.url), {
    workerData: { port, path: '/primary', perSecond: options.perSecond, talking: 100, silent: options.silent },
  });
  await pause(options.seconds * 1_000);
  worker.postMessage('stop');
  const [report] = await once(worker, 'message');
  return floodReport.parse(report);
};

/** Floods the leader's health port and measures how late its heartbeats get. Returns whether none is 100 ms late. */
export const benchFlood = async (options: FloodBenchOptions): Promise<boolean> => {
  const lab = await createLab({ engine: 'postgres', members: 3, ttlMs: options.ttlMs });
  const interrupt = (): void => void lab.stop();
  options.signal.addEventListener('abort', interrupt);
  try {
    options.signal.throwIfAborted();
    await lab.start();
    const leader = await lab.waitForHealthy({ deadlineMs: 120_000 });
    const quiet = await heartbeatGaps(lab, () => pause(options.seconds * 1_000));
    let answered = 0;
    const loud = await heartbeatGaps(lab, async () => {
      const report = await flood(Number(new URL(lab.member(leader).apiUrl).port), options);
      answered = Math.round(report.answers / report.seconds);
    });
    const usual = median(quiet) ?? 0;
    const late = Math.round((quantile(loud, 1) ?? Infinity) - usual);
    const row = (name: string, gaps: readonly number[]): readonly (string | number | undefined)[] => [
      name,
      gaps.length,
      ...[median(gaps), quantile(gaps, 1)].map((value) => (value === undefined ? undefined : Math.round(value))),
    ];
    console.log(
      JSON.stringify({
        bench: 'flood',
        ttl: options.ttlMs / 1_000,
        answeredPerSecond: answered,
        latestHeartbeatMs: late,
      }),
    );
    console.log(
      `\n${table(['time between heartbeats', 'count', 'median ms', 'max ms'], [row('quiet', quiet), row('flooded', loud)])}`,
    );
    console.log(
      `${answered} answers a second with ${options.silent} silent connections: ` +
        `the latest heartbeat came ${late} ms after its time`,
    );
    return late <= 100 && (await lab.leader()) === leader;
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    await lab.stop();
  }
};
