import { createEtcdStore } from '../../src/adapters/etcd/store.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { ms } from '../../src/core/brand.ts';

/** Uses everything of a store, waits for a word on its input, closes the store in the middle of calls, and is done. */
const store = createEtcdStore({ endpoints: process.argv.slice(2), clock: createClock(), random: Math.random });
const call = (timeout: number) => ({ timeout: ms(timeout), signal: new AbortController().signal });

const granted = await store.grantLease(ms(5_000), call(2_000));
if (granted.kind === 'failed') throw new Error(granted.error.message);
await store.keepLeaseAlive(granted.value.lease, call(2_000));
store.watch('/exit/', { changed: () => process.stdout.write('changed\n'), lost: () => {} });

process.stdin.once('data', () => {
  const underWay = [
    store.range('/exit/', call(60_000)),
    store.keepLeaseAlive(granted.value.lease, call(60_000)),
    store.transact({ compare: [], writes: [{ kind: 'put', key: '/exit/k', value: 'v' }] }, call(60_000)),
  ];
  const from = performance.now();
  process.once('exit', () => console.log(`closed, ended after ${Math.round(performance.now() - from)} ms`));
  setImmediate(() => void store.close().then(async () => Promise.all(underWay)));
});
