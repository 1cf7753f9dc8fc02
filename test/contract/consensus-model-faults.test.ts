import { describe, expect, test } from 'vitest';
import { ms, NEVER, type LeaseId } from '../../src/core/brand.ts';
import type { Call, ConsensusStore, TransactOutcome } from '../../src/ports/consensus.ts';
import type { ClientFaults } from '../sim/store/faults.ts';
import { createStoreModel } from '../sim/store/model.ts';
import { createRandom, createVirtualClock } from '../sim/store/virtual-clock.ts';

/** The nastiness that only the model can show on demand. */

const call = (timeout = 1_500): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });

const setUp = (seed = 1) => {
  const clock = createVirtualClock();
  const model = createStoreModel({ clock, random: createRandom(seed) });
  const store = model.client('a');
  const put = async (key: string, lease?: LeaseId): Promise<TransactOutcome> =>
    store.transact(
      {
        compare: [{ key, modRevision: NEVER }],
        writes: [{ kind: 'put', key, value: 'v', ...(lease === undefined ? {} : { lease }) }],
      },
      call(),
    );
  const has = (key: string): boolean => model.control.read(key).keys.length > 0;
  const grant = async (): Promise<LeaseId> => {
    const granted = await clock.runUntil(store.grantLease(ms(5_000), call()));
    if (granted.kind === 'failed') throw new Error(granted.error.message);
    return granted.value.lease;
  };
  return { clock, model, control: model.control, store, put, has, grant, run: clock.runUntil };
};

describe('requests and replies', () => {
  test('a lost request is never executed, a lost reply always was; both end at the deadline', async () => {
    const { control, put, has, run, clock } = setUp();
    control.setFaults('a', { lostRequests: 1 });
    expect((await run(put('/lost'))).kind).toMatch(/unknown|failed/u);
    expect(clock.now().mono).toBe(1_500);
    control.setFaults('a', { lostRequests: 0, lostReplies: 1 });
    expect((await run(put('/done'))).kind).toBe('unknown');
    await clock.advance(60_000);
    expect([has('/lost'), has('/done')]).toEqual([false, true]);
  });

  test('a late request is executed after its caller has read that nothing happened (D2)', async () => {
    const { control, store, put, has, run, clock } = setUp();
    control.setFaults('a', { lateRequests: 1 });
    expect((await run(put('/late'))).kind).toBe('unknown');
    control.setFaults('a', { lateRequests: 0 });
    expect(await run(store.range('/late', call()))).toMatchObject({ kind: 'ok', value: { keys: [] } });
    await clock.advance(6_000);
    expect(has('/late')).toBe(true);
  });

  test('cut off one way: requests cut, nothing is executed; replies cut, everything is', async () => {
    const { control, put, has, run } = setUp();
    for (const [cut, executed] of [
      ['requests', false],
      ['both', false],
      ['refused', false],
      ['replies', true],
    ] as const) {
      control.setFaults('a', { cut });
      const { kind } = await run(put(`/${cut}`));
      expect([cut, kind === 'applied', has(`/${cut}`)]).toEqual([cut, false, executed]);
    }
  });

  test('an abort or a close on the way is unknown, before it surely nothing', async () => {
    const { store, clock, model } = setUp();
    const cancel = new AbortController();
    const txn = { compare: [], writes: [{ kind: 'put', key: '/k', value: 'v' } as const] };
    const aborted = store.transact(txn, { timeout: ms(1_500), signal: cancel.signal });
    cancel.abort();
    expect(await clock.runUntil(aborted)).toMatchObject({ kind: 'unknown', error: { code: 'cancelled' } });
    const other = model.client('b');
    const closed = other.transact(txn, call());
    await other.close();
    expect(await clock.runUntil(closed)).toMatchObject({ kind: 'unknown', error: { code: 'cancelled' } });
    expect(await clock.runUntil(other.transact(txn, call()))).toMatchObject({ kind: 'failed' });
  });
});

describe('leaders and quorum', () => {
  test('an election holds requests back, and gives every lease its full ttl and a second more', async () => {
    const { control, put, run, clock, grant } = setUp();
    const lease = await grant();
    await clock.advance(4_000);
    const before = clock.now().mono;
    control.changeLeader();
    const outcome = await run(put('/k', lease));
    expect(outcome.kind).toMatch(/applied|unknown/u);
    expect(clock.now().mono - before).toBeGreaterThanOrEqual(1_000);
    await clock.advance(1_600 - (clock.now().mono - before));
    expect(control.leaseLeft(lease)).toBeGreaterThan(5_000);
  });

  test('without a quorum no lease ends, and requests given up may still be executed when it is back', async () => {
    const executed = new Set<boolean>();
    for (let seed = 1; seed <= 20; seed++) {
      const { control, put, has, run, clock, grant } = setUp(seed);
      const lease = await grant();
      expect((await run(put('/mine', lease))).kind).toBe('applied');
      control.setQuorum(false);
      expect((await run(put('/k'))).kind).toBe('unknown');
      await clock.advance(30_000);
      expect(has('/mine')).toBe(true);
      control.setQuorum(true);
      await clock.advance(2_000);
      executed.add(has('/k'));
    }
    expect(executed).toEqual(new Set([false, true]));
  });
});

describe('leases that lie', () => {
  test('renewals are answered with success although the lease is gone', async () => {
    const { control, store, put, has, run, grant } = setUp();
    const lease = await grant();
    await run(put('/leader', lease));
    control.setLyingRenewals(true);
    control.revoke(lease);
    expect(has('/leader')).toBe(false);
    expect(await run(store.keepLeaseAlive(lease, call()))).toEqual({ kind: 'ok', value: 'alive' });
    expect((await run(put('/leader', lease))).kind).toBe('failed');
    control.setLyingRenewals(false);
    expect(await run(store.keepLeaseAlive(lease, call()))).toEqual({ kind: 'ok', value: 'gone' });
  });

  test('a lease just renewed is revoked all the same', async () => {
    const { control, store, put, has, run, grant } = setUp();
    const lease = await grant();
    await run(put('/leader', lease));
    expect(await run(store.keepLeaseAlive(lease, call()))).toEqual({ kind: 'ok', value: 'alive' });
    control.revoke(lease);
    expect(has('/leader')).toBe(false);
  });
});

describe('watches', () => {
  const watching = (seed = 1) => {
    const parts = setUp(seed);
    const told: string[] = [];
    parts.store.watch('/', { changed: () => told.push('changed'), lost: () => told.push('lost') });
    return { ...parts, told };
  };
  const write = (parts: { control: ReturnType<typeof setUp>['control'] }, key: string): void =>
    void parts.control.transact({ compare: [], writes: [{ kind: 'put', key, value: 'v' }] });

  test('delayed, held by a short cut, lost by a long one, and told again after it', async () => {
    const parts = watching();
    const { clock, control, told } = parts;
    await clock.advance(500);
    control.setFaults('a', { watchDelay: [700, 700] });
    write(parts, '/k');
    await clock.advance(699);
    expect(told).toEqual(['changed']);
    await clock.advance(1);
    expect(told).toEqual(['changed', 'changed']);
    control.setFaults('a', { cut: 'replies' });
    write(parts, '/k');
    await clock.advance(2_000);
    expect(told).toHaveLength(2);
    control.setFaults('a', { cut: 'none' });
    await clock.advance(1_000);
    expect(told).toHaveLength(3);
    control.setFaults('a', { cut: 'both' });
    await clock.advance(5_000);
    expect(told.slice(3)).toEqual(['lost']);
    control.setFaults('a', { cut: 'none' });
    await clock.advance(500);
    expect(told.slice(3)).toEqual(['lost', 'changed']);
  });

  test('broken, compacted while behind, and without events although something changed', async () => {
    const parts = watching();
    const { clock, control, told } = parts;
    await clock.advance(500);
    control.breakWatches('a');
    await clock.advance(500);
    expect(told.splice(0)).toEqual(['changed', 'lost', 'changed']);
    control.compact();
    await clock.advance(500);
    expect(told).toEqual([]);
    control.setFaults('a', { cut: 'requests' });
    write(parts, '/k');
    control.compact();
    control.setFaults('a', { cut: 'none', lostHints: 1 });
    await clock.advance(500);
    expect(told.splice(0)).toEqual(['lost', 'changed']);
    write(parts, '/k');
    await clock.advance(5_000);
    expect(told).toEqual([]);
  });
});

describe('the store itself', () => {
  test('the write that fills it is executed and told as an error; after that nothing is', async () => {
    const { control, put, has, run } = setUp();
    control.setSpace('filling');
    expect(await run(put('/last'))).toMatchObject({ kind: 'unknown', error: { code: 'no-space' } });
    expect(await run(put('/more'))).toMatchObject({ kind: 'failed', error: { code: 'no-space' } });
    expect([has('/last'), has('/more')]).toEqual([true, false]);
  });

  test('restored from a backup it is another cluster, at an older revision', async () => {
    const { control, store, put, run, has, grant } = setUp();
    const lease = await grant();
    await run(put('/kept', lease));
    const backup = control.backup();
    await run(put('/gone'));
    const before = await run(store.range('/', call()));
    control.restore(backup);
    const after = await run(store.range('/', call()));
    if (before.kind !== 'ok' || after.kind !== 'ok') throw new Error('not read');
    expect(after.value.revision).toBeLessThan(before.value.revision);
    expect(after.value.clusterId).not.toBe(before.value.clusterId);
    expect([has('/kept'), has('/gone')]).toEqual([true, false]);
    expect(control.leaseLeft(lease)).toBeGreaterThan(5_000);
    control.restore(undefined);
    expect(await run(store.range('/', call()))).toMatchObject({ value: { revision: 1n, keys: [] } });
  });
});

const NASTY: Partial<ClientFaults> = { lostRequests: 0.1, lostReplies: 0.1, lateRequests: 0.1, lostHints: 0.2 };

/** Clients that count together through faults and elections; returns everything that happened. */
const story = async (seed: number) => {
  const { clock, model, control } = setUp(seed);
  const trace: string[] = [];
  const truth = new Map<string, TransactOutcome['kind']>();
  const work = async (name: string): Promise<void> => {
    const store: ConsensusStore = model.client(name);
    control.setFaults(name, NASTY);
    store.watch('/', { changed: () => trace.push(`${name} changed`), lost: () => trace.push(`${name} lost`) });
    for (let i = 0; i < 60; i++) {
      const key = `/${name}/${i}`;
      const outcome = await store.transact(
        { compare: [{ key, modRevision: NEVER }], writes: [{ kind: 'put', key, value: 'v' }] },
        call(),
      );
      truth.set(key, outcome.kind);
      trace.push(`${clock.now().mono} ${key} ${outcome.kind}`);
      if (i === 30 && name === 'b') control.changeLeader();
    }
    await store.close();
  };
  await clock.runUntil(Promise.all(['b', 'c', 'd'].map(work)));
  await clock.advance(60_000);
  const there = new Set(control.read('/').keys.map(({ key }) => key));
  return { trace, truth, there };
};

describe('a model for a simulator', () => {
  test('one seed, one history: the same trace twice, another one for another seed', async () => {
    const [first, again, other] = [await story(7), await story(7), await story(8)];
    expect(again.trace).toEqual(first.trace);
    expect(other.trace).not.toEqual(first.trace);
  });

  test('every outcome tells the truth, and every kind of it occurs', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const { truth, there } = await story(seed);
      for (const [key, kind] of truth) {
        seen.add(`${kind} ${there.has(key)}`);
        if (kind === 'applied') expect(there.has(key), `seed ${seed} ${key}`).toBe(true);
        if (kind === 'failed' || kind === 'refused') expect(there.has(key), `seed ${seed} ${key}`).toBe(false);
      }
    }
    expect([...seen].toSorted()).toEqual(['applied true', 'failed false', 'unknown false', 'unknown true']);
  });

  test('it is fast: tens of thousands of operations a second, far from its limit', async () => {
    const { clock, model } = setUp();
    const clients = Array.from({ length: 50 }, (_, i) => model.client(`c${i}`));
    const OPERATIONS = 400;
    const from = performance.now();
    const work = clients.map(async (store, i) => {
      const signal = new AbortController().signal;
      for (let n = 0; n < OPERATIONS; n++)
        await store.transact(
          { compare: [], writes: [{ kind: 'put', key: `/${i}`, value: 'v' }] },
          { timeout: ms(1_500), signal },
        );
    });
    await clock.runUntil(Promise.all(work));
    const perSecond = (clients.length * OPERATIONS * 1_000) / (performance.now() - from);
    expect(perSecond).toBeGreaterThan(10_000);
  });
});
