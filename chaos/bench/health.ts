import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import { createClock } from '../../src/adapters/os/clock.ts';
import { createApi } from '../../src/api/server.ts';
import type { Instant } from '../../src/core/instant.ts';
import { leaderStatus, positions, silentLog } from '../../test/unit/api/support.ts';

/**
 * How many health requests one core answers. Starts the API in a child process pinned to one core, loads it from this
 * process, and prints requests a second, p50 and p99 for each kind of load; then the same with a flood of silent
 * connections, to see how long the child's event loop (the agent's own loop lives in it) is kept waiting.
 *
 *     node chaos/bench/health.ts [seconds]
 */

interface Load {
  readonly what: string;
  readonly connections: number;
  readonly request: string;
  /** A new connection for each request, as load balancers check. */
  readonly fresh: boolean;
  /** Requests a second in all; undefined: as many as possible. */
  readonly pace?: number;
  readonly silent?: number;
}

const GET = 'GET /primary HTTP/1.1\r\nHost: x\r\n\r\n';
const WARM_UP: Load = { what: 'warm-up', connections: 32, request: GET, fresh: false };
const LOADS: readonly Load[] = [
  { what: 'GET /primary, kept connections', connections: 32, request: GET, fresh: false },
  {
    what: 'GET /replica?lag=10MB, kept',
    connections: 32,
    request: GET.replace('primary', 'replica?lag=10MB'),
    fresh: false,
  },
  {
    what: 'OPTIONS /primary HTTP/1.0, new connections',
    connections: 32,
    request: 'OPTIONS /primary HTTP/1.0\r\n\r\n',
    fresh: true,
  },
  {
    what: '5000/s kept and 500 silent connections',
    connections: 32,
    request: GET,
    fresh: false,
    pace: 5000,
    silent: 500,
  },
];

const serve = async (): Promise<void> => {
  const clock = createClock();
  const later = (at: Instant, by: number): Instant => ({ mono: at.mono + by, boot: at.boot + by });
  const fresh = () => leaderStatus({ madeAt: clock.now(), viewAt: clock.now(), deadline: later(clock.now(), 8_000) });
  let status = fresh();
  setInterval(() => (status = fresh()), 500);
  const unused = () => Promise.reject(new Error('not part of this measurement'));
  const api = createApi({
    status: () => status,
    clock,
    positions,
    operations: {
      switchover: unused,
      failover: unused,
      restart: unused,
      reinitialize: unused,
      cancel: unused,
      pause: unused,
      configure: unused,
    },
    metricsText: () => Promise.resolve(''),
    events: { recent: () => [], subscribe: () => () => undefined },
    peers: {
      ask: () => Promise.resolve(new Map()),
      askPromises: () => Promise.resolve(new Map()),
      close: () => Promise.resolve(),
    },
    promise: () => undefined,
    local: { reload: unused },
    log: silentLog,
    options: { listen: { host: '127.0.0.1', port: 0 } },
  });
  await api.listen();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  process.on('message', (message) => {
    if (message === 'begin') {
      delay.reset();
      delay.enable();
    } else {
      delay.disable();
      process.send?.({ loopP99: delay.percentile(99) / 1e6, loopMax: delay.max / 1e6 });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port: api.address()?.port });
};

/** One connection that asks, waits for the whole answer, and asks again. */
const ask = (load: Load, port: number, until: number, took: number[], delayMs: () => number): Promise<void> =>
  new Promise((resolve, reject) => {
    const open = (): void => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let sentAt = 0;
      let left = -1;
      const send = (): void => {
        if (performance.now() >= until) {
          socket.destroy();
          resolve();
          return;
        }
        sentAt = performance.now();
        left = -1;
        socket.write(load.request);
      };
      const answered = (): void => {
        took.push(performance.now() - sentAt);
        const pause = delayMs();
        if (load.fresh) return;
        if (pause > 0) setTimeout(send, pause);
        else send();
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('close', () => {
        if (performance.now() >= until) resolve();
        else if (load.fresh) {
          answered();
          open();
        } else open();
      });
      socket.on('data', (chunk: Buffer) => {
        if (load.fresh) return;
        if (left < 0) {
          const end = chunk.indexOf('\r\n\r\n');
          const length = /content-length: (\d+)/i.exec(chunk.toString('latin1', 0, end));
          left = Number(length?.[1]) - (chunk.length - end - 4);
        } else left -= chunk.length;
        if (left <= 0) answered();
      });
    };
    open();
  });

const percentile = (sorted: readonly number[], p: number): number => sorted[Math.floor((sorted.length - 1) * p)] ?? NaN;

const measure = async (load: Load, port: number, seconds: number): Promise<string> => {
  const silent = Array.from({ length: load.silent ?? 0 }, () =>
    connect({ port, host: '127.0.0.1' }).on('error', () => undefined),
  );
  const took: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  const each = load.pace === undefined ? 0 : (load.connections * 1000) / load.pace;
  let planned = began;
  const delay = (): number => {
    if (each === 0) return 0;
    planned += each / load.connections;
    return Math.max(0, planned - performance.now());
  };
  await Promise.all(Array.from({ length: load.connections }, () => ask(load, port, until, took, delay)));
  for (const socket of silent) socket.destroy();
  const sorted = took.toSorted((a, b) => a - b);
  const rate = Math.round((took.length / (performance.now() - began)) * 1000);
  return `${String(rate).padStart(7)} requests/s  p50 ${percentile(sorted, 0.5).toFixed(2)} ms  p99 ${percentile(sorted, 0.99).toFixed(2)} ms`;
};

const report = z.record(z.string(), z.number());

const main = async (): Promise<void> => {
  const seconds = Number(process.argv[2] ?? 5);
  const child = spawn('taskset', ['-c', '0', process.execPath, import.meta.filename, 'serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const next = (): Promise<Record<string, number>> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(report.parse(message)));
      child.once('exit', (code) => reject(new Error(`the API's process ended with ${code}`)));
    });
  const { port = 0 } = await next();
  await measure(WARM_UP, port, 2);
  for (const load of LOADS) {
    child.send('begin');
    const line = await measure(load, port, seconds);
    child.send('end');
    const { loopP99 = NaN, loopMax = NaN } = await next();
    console.log(`${load.what.padEnd(44)} ${line}  loop p99 ${loopP99.toFixed(1)} ms, max ${loopMax.toFixed(1)} ms`);
  }
  child.disconnect();
};

await (process.argv[2] === 'serve' ? serve() : main());
