import { afterAll, beforeAll, describe, test as plainTest } from 'vitest';
import { createEtcdStore } from '../../src/adapters/etcd/store.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { ms } from '../../src/core/brand.ts';
import type { Call, ConsensusStore } from '../../src/ports/consensus.ts';
import { startProxy } from '../support/etcd-proxy.ts';
import { startEtcd, withAdmin, type EtcdCluster } from '../support/etcd.ts';

/** Networks that fail between the watch and its server. */

const clock = createClock();
const call = (timeout = 2_000): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });

let cluster: EtcdCluster;
let direct: ConsensusStore;
let tests = 0;

beforeAll(async () => {
  cluster = await startEtcd({ version: '3.5' });
  direct = createEtcdStore({ endpoints: cluster.endpoints, clock, random: Math.random });
});
afterAll(async () => {
  await direct.close();
  await cluster.close();
});

/** A proxy and a key of its own for every test, so that all can wait at the same time. */
const openLine = async () => {
  const proxy = await startProxy(cluster.endpoints[0] ?? '');
  tests += 1;
  const key = `/w${tests}/k`;
  const open: ConsensusStore[] = [];
  const watchThrough = (endpoints: readonly string[]) => {
    const store = createEtcdStore({ endpoints, clock, random: () => 0 });
    open.push(store);
    const told: { readonly what: 'changed' | 'lost'; readonly why?: string; readonly at: number }[] = [];
    store.watch(key, {
      changed: () => told.push({ what: 'changed', at: performance.now() }),
      lost: (error) => told.push({ what: 'lost', why: error.message, at: performance.now() }),
    });
    return { store, told, words: () => told.map(({ what }) => what) };
  };
  const write = async (value: string): Promise<void> => {
    const outcome = await direct.transact({ compare: [], writes: [{ kind: 'put', key, value }] }, call());
    if (outcome.kind !== 'applied') throw new Error(outcome.kind);
  };
  const close = async (): Promise<void> => {
    await Promise.all(open.map(async (store) => store.close()));
    await proxy.close();
  };
  return { proxy, key, watchThrough, write, close };
};

const test = plainTest.extend<{ line: Awaited<ReturnType<typeof openLine>> }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from this pattern
  line: async ({}, use) => {
    const line = await openLine();
    await use(line);
    await line.close();
  },
});

describe.concurrent('a watch through a network that fails', () => {
  test.for(['hole', 'no-replies', 'no-requests'] as const)(
    'half-open (%s): told as lost after three seconds of silence, made again at another server',
    async (mode, { line: { proxy, watchThrough, write }, expect }) => {
      const watched = watchThrough([proxy.url, ...cluster.endpoints]);
      await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['changed']);
      const from = performance.now();
      proxy.set(mode);
      await expect.poll(watched.words, { timeout: 6_000 }).toEqual(['changed', 'lost', 'changed']);
      const [, lost, again] = watched.told;
      expect(lost?.why).toContain('fell silent');
      expect(lost?.why).toContain(proxy.url);
      expect((lost?.at ?? 0) - from).toBeGreaterThan(1_900);
      expect((again?.at ?? 0) - from).toBeLessThan(5_000);
      await write('after');
      await expect.poll(() => watched.told.length, { timeout: 2_000 }).toBeGreaterThan(3);
    },
  );

  test('reset: told once, made again as soon as connections are accepted', async ({
    line: { proxy, watchThrough, write },
    expect,
  }) => {
    const watched = watchThrough([proxy.url]);
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['changed']);
    proxy.set('reset');
    await expect.poll(watched.words, { timeout: 2_000 }).toEqual(['changed', 'lost']);
    await write('missed');
    await clock.sleep(ms(1_200), call());
    expect(watched.words()).toEqual(['changed', 'lost']);
    proxy.set('pass');
    await expect.poll(watched.words, { timeout: 2_000 }).toEqual(['changed', 'lost', 'changed']);
  });

  test('a hole into which it connects does not hold it: heard again soon after healing', async ({
    line: { proxy, watchThrough },
    expect,
  }) => {
    proxy.set('hole');
    const watched = watchThrough([proxy.url]);
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['lost']);
    proxy.set('pass');
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['lost', 'changed']);
  });

  test('compaction while it watches, and while it is behind, loses nothing', async ({
    line: { proxy, key, watchThrough, write },
    expect,
  }) => {
    const watched = watchThrough([proxy.url]);
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['changed']);
    proxy.set('no-replies');
    for (let i = 0; i < 300; i++) await write('x'.repeat(2_000));
    const now = await direct.range(key, call());
    if (now.kind === 'failed') throw new Error(now.error.message);
    await withAdmin(cluster.endpoints[0] ?? '', async (admin) =>
      admin.kv.compact({ revision: now.value.revision.toString(), physical: true }),
    );
    const before = watched.told.length;
    proxy.set('pass');
    await expect.poll(() => watched.told.length, { timeout: 5_000 }).toBeGreaterThan(before);
    const settled = watched.told.length;
    await write('after');
    await expect.poll(() => watched.told.length, { timeout: 3_000 }).toBeGreaterThan(settled);
  });

  test('closed while the server is silent, it leaves no connection behind', async ({
    line: { proxy, watchThrough },
    expect,
  }) => {
    const watched = watchThrough([proxy.url]);
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['changed']);
    proxy.set('hole');
    await watched.store.close();
    await expect.poll(() => proxy.connections(), { timeout: 3_000 }).toBe(0);
    expect(watched.words()).toEqual(['changed']);
  });

  test('a failed watch does not take calls along that share its connection', async ({
    line: { proxy, key, watchThrough },
    expect,
  }) => {
    const watched = watchThrough([proxy.url]);
    await expect.poll(watched.words, { timeout: 3_000 }).toEqual(['changed']);
    const results: string[] = [];
    const until = performance.now() + 4_500;
    proxy.set('no-requests');
    const slow = watched.store.range(key, call(10_000));
    await expect.poll(watched.words, { timeout: 5_000 }).toContain('lost');
    proxy.set('pass');
    results.push((await slow).kind);
    while (performance.now() < until) results.push((await watched.store.range(key, call())).kind);
    expect(new Set(results)).toEqual(new Set(['ok']));
  });
});
