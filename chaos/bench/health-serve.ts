/** The API alone, with the status of a leader that does nothing else: what `health.ts` measures as a process of its own. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createClock } from '../../src/adapters/os/clock.ts';
import { createApi } from '../../src/api/server.ts';
import type { Instant } from '../../src/core/instant.ts';
import { leaderStatus, positions, silentLog } from '../../test/unit/api/support.ts';

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
      refusals: () => Promise.resolve(new Set()),
      close: () => Promise.resolve(),
    },
    promise: () => undefined,
    local: { reload: unused },
    log: silentLog,
    options: { listen: { host: '127.0.0.1', port: 0 } },
  });
  await api.listen();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let before = process.cpuUsage();
  process.on('message', (message) => {
    if (message === 'begin') {
      delay.reset();
      delay.enable();
      before = process.cpuUsage();
    } else {
      delay.disable();
      const { user, system } = process.cpuUsage(before);
      process.send?.({
        loopP99: delay.percentile(99) / 1e6,
        loopMax: delay.max / 1e6,
        cpuSeconds: (user + system) / 1e6,
      });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port: api.address()?.port });
};

await serve();
