import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEtcdStore } from '../../src/adapters/etcd/store.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { ms, NEVER } from '../../src/core/brand.ts';
import type { Call, ConsensusStore, TransactOutcome } from '../../src/ports/consensus.ts';
import { startOutcomeCheck } from '../support/etcd-workload.ts';
import { startEtcd, withAdmin, type EtcdCluster, type EtcdMember } from '../support/etcd.ts';

/** Servers that stop, die and come back: a cluster of three, real processes. */

const clock = createClock();
const CALL_MS = 1_500;
/** A call may end this much after its deadline on a busy machine. */
const LATE_MS = 250;

const call = (timeout = CALL_MS): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });

let cluster: EtcdCluster;
let open: ConsensusStore[] = [];
let tests = 0;
let prefix = '';

beforeAll(async () => {
  cluster = await startEtcd({ size: 3 });
});
afterAll(async () => {
  await cluster.close();
});
afterEach(async () => {
  for (const member of cluster.members) member.signal('SIGCONT');
  await Promise.all(open.map(async (store) => store.close()));
  open = [];
});

/** A store that begins at the first of these endpoints. */
const storeAt = (endpoints: readonly string[]): ConsensusStore => {
  const store = createEtcdStore({ endpoints, clock, random: () => 0 });
  open.push(store);
  tests += 1;
  prefix = `/f${tests}/`;
  return store;
};
const endpointsFrom = (first: EtcdMember): readonly string[] => [
  first.endpoint,
  ...cluster.endpoints.filter((endpoint) => endpoint !== first.endpoint),
];
const create = async (store: ConsensusStore, name: string, timeout = CALL_MS): Promise<TransactOutcome> => {
  const key = `${prefix}${name}`;
  const txn = { compare: [{ key, modRevision: NEVER }], writes: [{ kind: 'put', key, value: name } as const] };
  return store.transact(txn, call(timeout));
};
const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> => {
  const from = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - from };
};
const follower = async (): Promise<EtcdMember> => {
  const leader = await cluster.leader();
  const found = cluster.members.find((member) => member !== leader);
  if (found === undefined) throw new Error('no follower');
  return found;
};
const untilApplied = async (store: ConsensusStore, name: string): Promise<number> => {
  const { tookMs } = await timed(async () => {
    for (let i = 0; i < 40; i++) if ((await create(store, `${name}${i}`)).kind === 'applied') return;
    throw new Error('no transaction was applied');
  });
  return tookMs;
};

describe('one server is stopped', () => {
  test('reads and renewals find another within a third of their budget, and stay there', async () => {
    const stopped = await follower();
    const store = storeAt(endpointsFrom(stopped));
    const granted = await store.grantLease(ms(20_000), call());
    if (granted.kind === 'failed') throw new Error(granted.error.message);
    stopped.signal('SIGSTOP');
    const first = await timed(async () => store.range(prefix, call()));
    expect(first.value.kind).toBe('ok');
    expect(first.tookMs).toBeLessThan(500 + LATE_MS);
    for (let i = 0; i < 5; i++) {
      const next = await timed(async () => store.keepLeaseAlive(granted.value.lease, call()));
      expect(next.value).toEqual({ kind: 'ok', value: 'alive' });
      expect(next.tookMs).toBeLessThan(LATE_MS);
    }
  });

  test('a transaction on a connection that was never used goes to another server and is applied', async () => {
    const stopped = await follower();
    stopped.signal('SIGSTOP');
    const store = storeAt(endpointsFrom(stopped));
    const outcome = await timed(async () => create(store, 'k'));
    expect(outcome.value.kind).toBe('applied');
    expect(outcome.tookMs).toBeLessThan(500 + LATE_MS);
  });

  test('a transaction sent into the silence is unknown, told early; the next one is applied elsewhere', async () => {
    const stopped = await follower();
    const store = storeAt(endpointsFrom(stopped));
    expect((await create(store, 'before')).kind).toBe('applied');
    stopped.signal('SIGSTOP');
    const lost = await timed(async () => create(store, 'lost'));
    expect(lost.value).toMatchObject({ kind: 'unknown', error: { code: 'deadline' } });
    expect(lost.tookMs).toBeLessThan(750 + LATE_MS);
    const next = await timed(async () => create(store, 'next'));
    expect(next.value.kind).toBe('applied');
    expect(next.tookMs).toBeLessThan(LATE_MS);
  });

  test('status names the server that does not answer, and the versions of the others', async () => {
    const stopped = await follower();
    stopped.signal('SIGSTOP');
    const status = await storeAt(cluster.endpoints).status(call(600));
    if (status.kind === 'failed') throw new Error(status.error.message);
    for (const { endpoint, version, error } of status.value.endpoints)
      if (endpoint === stopped.endpoint) expect([version, error?.code]).toEqual([undefined, 'deadline']);
      else expect([version, error]).toEqual([expect.stringMatching(/^3\./u), undefined]);
  });
});

describe('the etcd leader', () => {
  test('is stopped: every outcome is true, and writing goes on after the election', async () => {
    const leader = await cluster.leader();
    const store = storeAt(endpointsFrom(leader));
    const check = startOutcomeCheck(store, { prefix: `${prefix}w/`, clock, timeout: CALL_MS });
    await clock.sleep(ms(200), call());
    leader.signal('SIGSTOP');
    expect(await untilApplied(store, 'after')).toBeLessThan(6_000);
    leader.signal('SIGCONT');
    await clock.sleep(ms(500), call());
    const counts = await check.finish(store);
    expect(counts.applied).toBeGreaterThan(10);
    expect(check.slowestMs()).toBeLessThan(CALL_MS + LATE_MS);
  });

  test('is killed and started again: every outcome is true, and writing goes on', async () => {
    const leader = await cluster.leader();
    const store = storeAt(endpointsFrom(leader));
    const check = startOutcomeCheck(store, { prefix: `${prefix}w/`, clock, timeout: CALL_MS });
    await clock.sleep(ms(200), call());
    await leader.kill();
    expect(await untilApplied(store, 'after')).toBeLessThan(6_000);
    leader.start();
    await leader.listening(10_000);
    await clock.sleep(ms(300), call());
    const counts = await check.finish(store);
    expect(counts.applied).toBeGreaterThan(10);
    expect(check.slowestMs()).toBeLessThan(CALL_MS + LATE_MS);
  });
});

describe('all servers are stopped', () => {
  test('every call ends by its deadline, and the first one after they go on works', async () => {
    const store = storeAt(cluster.endpoints);
    const granted = await store.grantLease(ms(30_000), call());
    if (granted.kind === 'failed') throw new Error(granted.error.message);
    const { lease } = granted.value;
    for (const member of cluster.members) member.signal('SIGSTOP');
    for (const timeout of [1_000, 200]) {
      const calls: (() => Promise<{ readonly kind: string }>)[] = [
        async () => store.range(prefix, call(timeout)),
        async () => create(store, `k${timeout}`, timeout),
        async () => store.keepLeaseAlive(lease, call(timeout)),
        async () => store.grantLease(ms(5_000), call(timeout)),
        async () => store.revokeLease(lease, call(timeout)),
        async () => store.status(call(timeout)),
      ];
      for (const { value, tookMs } of await Promise.all(calls.map(async (one) => timed(one)))) {
        expect(value.kind).toMatch(/failed|unknown/u);
        expect(tookMs).toBeLessThan(timeout + LATE_MS);
      }
    }
    for (const member of cluster.members) member.signal('SIGCONT');
    const first = await store.range(prefix, call(3_000));
    expect(first.kind).toBe('ok');
    expect((await create(store, 'again')).kind).toBe('applied');
  });

  test('an abort ends a call at once', async () => {
    const store = storeAt(cluster.endpoints);
    expect((await create(store, 'k')).kind).toBe('applied');
    for (const member of cluster.members) member.signal('SIGSTOP');
    const cancel = new AbortController();
    const signal = cancel.signal;
    const cancelled = timed(async () =>
      Promise.all([
        store.range(prefix, { timeout: ms(5_000), signal }),
        store.transact(
          { compare: [], writes: [{ kind: 'put', key: `${prefix}x`, value: '' }] },
          { timeout: ms(5_000), signal },
        ),
      ]),
    );
    await clock.sleep(ms(100), call());
    cancel.abort();
    const { value, tookMs } = await cancelled;
    expect(tookMs).toBeLessThan(100 + LATE_MS);
    expect(value).toMatchObject([
      { kind: 'failed', error: { code: 'cancelled' } },
      { kind: 'unknown', error: { code: 'cancelled' } },
    ]);
  });
});

describe('a member that has lost the others', () => {
  test('ends the watch, which goes on at another server', async () => {
    const lonely = await cluster.leader();
    const store = storeAt([lonely.endpoint]);
    const told: string[] = [];
    store.watch(prefix, { changed: () => told.push('changed'), lost: (error) => told.push(error.message) });
    await expect.poll(() => told, { timeout: 3_000 }).toEqual(['changed']);
    for (const member of cluster.members) if (member !== lonely) member.signal('SIGSTOP');
    await expect.poll(() => told.at(-1), { timeout: 8_000 }).toContain('no leader');
    for (const member of cluster.members) member.signal('SIGCONT');
    await expect.poll(() => told.at(-1), { timeout: 8_000 }).toBe('changed');
  });
});

describe('a store that becomes full', () => {
  test('answers the writes that fill it with an error although they are executed: those are unknown, never failed', async () => {
    const small = await startEtcd({ args: ['--quota-backend-bytes=3000000'] });
    try {
      const store = storeAt(small.endpoints);
      const value = 'x'.repeat(60_000);
      const checks = Array.from({ length: 40 }, (_, i) =>
        startOutcomeCheck(store, { prefix: `${prefix}${i}/`, clock, timeout: 5_000, value }),
      );
      await expect
        .poll(async () => store.status(call()), { timeout: 10_000, interval: 100 })
        .toMatchObject({ value: { alarms: ['NOSPACE'] } });
      const counts = await Promise.all(checks.map(async (check) => check.finish(store)));
      const sum = (kind: TransactOutcome['kind']): number => counts.reduce((total, count) => total + count[kind], 0);
      expect(sum('applied')).toBeGreaterThan(0);
      expect(sum('failed')).toBeGreaterThan(0);
      const [endpoint = ''] = small.endpoints;
      const { alarms } = await withAdmin(endpoint, async (admin) => admin.maintenance.alarm({ action: 'Get' }));
      expect(alarms).toHaveLength(1);
    } finally {
      await small.close();
    }
  });
});
