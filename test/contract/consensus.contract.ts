import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leaseId, ms, NEVER, revision, type LeaseId, type Revision } from '../../src/core/brand.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type {
  Call,
  ConsensusStore,
  KeyValue,
  Outcome,
  RangeResult,
  TransactOutcome,
  Write,
} from '../../src/ports/consensus.ts';

/** A consensus store under test, with as many clients as wanted. */
export interface Subject {
  /** A store of its own for each call. */
  client(): ConsensusStore;
  readonly clock: Clock;
  /** Runs a test body; a virtual clock is advanced while it runs. */
  run(body: () => Promise<void>): Promise<void>;
  /** Makes the store refuse writes for lack of space, until `free` is called. */
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

/** What the agent relies on, as facts about any consensus store. The same suite holds the model to real etcd servers. */
export const consensusContract = (name: string, open: () => Promise<Subject>): void => {
  describe(`consensus store: ${name}`, () => {
    let subject: Subject;
    let store: ConsensusStore;
    let prefixes = 0;
    beforeAll(async () => {
      subject = await open();
      store = subject.client();
    });
    afterAll(async () => {
      await subject.close();
    });

    /** A test with a part of the key space for itself. */
    const fact = (sentence: string, body: (prefix: string) => Promise<void>): void => {
      test(sentence, async () => {
        prefixes += 1;
        await subject.run(async () => body(`/t${prefixes}/`));
      });
    };

    const call = (timeout = 3_000): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });
    const read = async (prefix: string): Promise<RangeResult> => valueOf(await store.range(prefix, call()));
    const only = async (key: string): Promise<KeyValue | undefined> =>
      (await read(key)).keys.find((kv) => kv.key === key);
    const put = (key: string, value = 'v', lease?: LeaseId): Write => ({
      kind: 'put',
      key,
      value,
      ...(lease === undefined ? {} : { lease }),
    });
    const write = async (writes: readonly Write[], compare: Record<string, Revision> = {}): Promise<TransactOutcome> =>
      store.transact(
        { writes, compare: Object.entries(compare).map(([key, modRevision]) => ({ key, modRevision })) },
        call(),
      );
    const mustApply = async (writes: readonly Write[], compare: Record<string, Revision> = {}): Promise<Revision> => {
      const outcome = await write(writes, compare);
      if (outcome.kind !== 'applied') throw new Error(`not applied: ${describeOutcome(outcome)}`);
      return outcome.revision;
    };
    const mustGrant = async (seconds = 30): Promise<LeaseId> =>
      valueOf(await store.grantLease(ms(seconds * 1_000), call())).lease;
    const eventually = async (what: string, within: number, check: () => Promise<boolean>): Promise<number> => {
      const from = subject.clock.now().mono;
      for (;;) {
        if (await check()) return subject.clock.now().mono - from;
        if (subject.clock.now().mono - from > within) throw new Error(`not within ${within} ms: ${what}`);
        await subject.clock.sleep(ms(20), call());
      }
    };

    describe('reading', () => {
      fact('an untouched prefix is empty, at some revision of a known cluster', async (prefix) => {
        const result = await read(prefix);
        expect(result.keys).toEqual([]);
        expect(result.revision).toBeGreaterThanOrEqual(1n);
        expect(result.clusterId).toMatch(/^\d+$/u);
      });

      fact('a prefix holds its own keys in order, and no neighbours', async (prefix) => {
        const other = `${prefix.slice(0, -1)}0neighbour`;
        await mustApply([put(`${prefix}b`), put(`${prefix}a/x`), put(other), put(`${prefix}c`)]);
        expect((await read(prefix)).keys.map(({ key }) => key)).toEqual([`${prefix}a/x`, `${prefix}b`, `${prefix}c`]);
      });

      fact('values come back as they were written', async (prefix) => {
        const value = '{"v":1,"text":"ä €  \\u0000 😀"}\n';
        await mustApply([put(`${prefix}k`, value), put(`${prefix}empty`, '')]);
        expect((await only(`${prefix}k`))?.value).toBe(value);
        expect((await only(`${prefix}empty`))?.value).toBe('');
      });

      fact('every client sees what another has written, in the same cluster', async (prefix) => {
        const second = subject.client();
        const at = await mustApply([put(`${prefix}k`)]);
        const seen = valueOf(await second.range(prefix, call()));
        expect(seen.keys.map(({ modRevision }) => modRevision)).toEqual([at]);
        expect(seen.clusterId).toBe((await read(prefix)).clusterId);
        await second.close();
      });

      fact('hundreds of keys come in one answer', async (prefix) => {
        for (let part = 0; part < 5; part++)
          await mustApply(Array.from({ length: 100 }, (_, i) => put(`${prefix}${part}-${i}`, 'x'.repeat(500))));
        expect((await read(prefix)).keys).toHaveLength(500);
      });
    });

    describe('transactions', () => {
      fact('an absent key compares equal to revision 0', async (prefix) => {
        const key = `${prefix}leader`;
        const at = await mustApply([put(key, 'a')], { [key]: NEVER });
        expect(await only(key)).toEqual({
          key,
          value: 'a',
          createRevision: at,
          modRevision: at,
          lease: undefined,
        });
        expect((await write([put(key, 'b')], { [key]: NEVER })).kind).toBe('refused');
      });

      fact('all keys of one transaction carry its revision, the next one a greater one (D1)', async (prefix) => {
        const keys = ['leader', 'heartbeat', 'history'].map((name_) => `${prefix}${name_}`);
        const first = await mustApply(keys.map((key) => put(key)));
        const second = await mustApply(keys.slice(1).map((key) => put(key)));
        expect(second).toBeGreaterThan(first);
        expect((await read(prefix)).keys.map(({ modRevision }) => modRevision)).toEqual([second, second, first]);
        expect((await read(prefix)).revision).toBeGreaterThanOrEqual(second);
      });

      fact('a refused transaction changes nothing and tells what it found', async (prefix) => {
        const [a, b] = [`${prefix}a`, `${prefix}b`];
        const lease = await mustGrant();
        const at = await mustApply([put(a, 'one', lease)]);
        const outcome = await write([put(a, 'two'), put(b)], { [b]: NEVER, [a]: NEVER });
        expect(outcome).toEqual({
          kind: 'refused',
          revision: at,
          found: [{ key: a, value: 'one', createRevision: at, modRevision: at, lease }],
        });
        expect((await read(prefix)).revision).toBe(at);
      });

      fact('one comparison that fails refuses the whole transaction', async (prefix) => {
        const [a, b] = [`${prefix}a`, `${prefix}b`];
        const at = await mustApply([put(a), put(b)]);
        const outcome = await write([put(a, 'x')], { [a]: at, [b]: revision(at + 1n) });
        expect(outcome.kind === 'refused' && outcome.found.map(({ key }) => key)).toEqual([a, b]);
        expect((await only(a))?.value).toBe('v');
      });

      fact('a put on a present key keeps its create revision: only the mod revision is a term (A1)', async (prefix) => {
        const key = `${prefix}leader`;
        const mine = await mustGrant();
        const next = await mustGrant();
        const first = await mustApply([put(key, 'a', mine)], { [key]: NEVER });
        const second = await mustApply([put(key, 'b', next)], { [key]: first });
        expect(await only(key)).toEqual({ key, value: 'b', createRevision: first, modRevision: second, lease: next });
        expect((await write([put(`${prefix}heartbeat`)], { [key]: first })).kind).toBe('refused');
      });

      fact('a key made again has a new create revision', async (prefix) => {
        const key = `${prefix}k`;
        const first = await mustApply([put(key)]);
        const deleted = await mustApply([{ kind: 'delete', key }], { [key]: first });
        expect(deleted).toBe(first + 1n);
        expect(await only(key)).toBeUndefined();
        const again = await mustApply([put(key)], { [key]: NEVER });
        expect((await only(key))?.createRevision).toBe(again);
      });

      fact('deleting what is not there is applied and makes no revision', async (prefix) => {
        const before = (await read(prefix)).revision;
        expect(await mustApply([{ kind: 'delete', key: `${prefix}none` }])).toBe(before);
      });

      fact('a key must not be written twice in one transaction, nor deleted and written', async (prefix) => {
        const key = `${prefix}k`;
        for (const writes of [
          [put(key), put(key, 'w')],
          [{ kind: 'delete', key } as const, put(key)],
        ]) {
          const outcome = await write(writes);
          expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'invalid' } });
        }
        expect(await only(key)).toBeUndefined();
      });

      fact('more than 128 writes are refused as invalid', async (prefix) => {
        const outcome = await write(Array.from({ length: 129 }, (_, i) => put(`${prefix}${i}`)));
        expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'invalid' } });
      });

      fact('of many who compare and set at once, each success builds on the one before', async (prefix) => {
        const key = `${prefix}counter`;
        const clients = Array.from({ length: 4 }, () => subject.client());
        const revisions: Revision[] = [];
        const add = async (client: ConsensusStore): Promise<void> => {
          for (let done = 0; done < 5;) {
            const [now] = valueOf(await client.range(key, call())).keys;
            const outcome = await client.transact(
              {
                compare: [{ key, modRevision: now?.modRevision ?? NEVER }],
                writes: [put(key, String(Number(now?.value ?? 0) + 1))],
              },
              call(),
            );
            if (outcome.kind === 'applied') {
              done += 1;
              revisions.push(outcome.revision);
            } else expect(outcome.kind).toBe('refused');
          }
        };
        await Promise.all(clients.map(add));
        expect((await only(key))?.value).toBe('20');
        expect(new Set(revisions).size).toBe(20);
        await Promise.all(clients.map(async (client) => client.close()));
      });
    });

    describe('leases', () => {
      fact('a ttl is granted in whole seconds, and never below two', async () => {
        expect(valueOf(await store.grantLease(ms(1_000), call())).ttl).toBe(2_000);
        expect(valueOf(await store.grantLease(ms(10_000), call())).ttl).toBe(10_000);
        expect(valueOf(await store.grantLease(ms(10_001), call())).ttl).toBe(11_000);
      });

      fact('a key ends with its lease: not before the ttl, and at most a second after it', async (prefix) => {
        const key = `${prefix}leader`;
        const { lease, ttl } = valueOf(await store.grantLease(ms(2_000), call()));
        await mustApply([put(key, 'a', lease), put(`${prefix}stays`)]);
        const before = subject.clock.now().mono;
        expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'alive' });
        await eventually('the key is gone', 5_000, async () => (await only(key)) === undefined);
        const lived = subject.clock.now().mono - before;
        expect(lived).toBeGreaterThanOrEqual(ttl);
        expect(lived).toBeLessThan(ttl + 1_100);
        expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'gone' });
        expect((await read(prefix)).keys.map((kv) => kv.key)).toEqual([`${prefix}stays`]);
      });

      fact('renewals keep a key beyond the ttl', async (prefix) => {
        const key = `${prefix}leader`;
        const lease = await mustGrant(2);
        await mustApply([put(key, 'a', lease)]);
        for (let i = 0; i < 6; i++) {
          await subject.clock.sleep(ms(600), call());
          expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'alive' });
        }
        expect((await only(key))?.lease).toBe(lease);
        await store.revokeLease(lease, call());
      });

      fact('a revoked lease takes its keys along in one revision; revoking again changes nothing', async (prefix) => {
        const lease = await mustGrant();
        const at = await mustApply([put(`${prefix}a`, 'v', lease), put(`${prefix}b`, 'v', lease), put(`${prefix}c`)]);
        expect(await store.revokeLease(lease, call())).toEqual({ kind: 'ok', value: 'revoked' });
        const after = await read(prefix);
        expect(after.keys.map(({ key }) => key)).toEqual([`${prefix}c`]);
        expect(after.revision).toBe(at + 1n);
        expect(await store.revokeLease(lease, call())).toEqual({ kind: 'ok', value: 'revoked' });
        expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'gone' });
        expect((await read(prefix)).revision).toBe(at + 1n);
      });

      fact('a put moves the key to its own lease, or to none', async (prefix) => {
        const [first, second] = [await mustGrant(), await mustGrant()];
        const [moved, freed] = [`${prefix}moved`, `${prefix}freed`];
        await mustApply([put(moved, 'v', first), put(freed, 'v', first)]);
        await mustApply([put(moved, 'v', second), put(freed)]);
        await store.revokeLease(first, call());
        expect((await read(prefix)).keys.map(({ key, lease }) => [key, lease])).toEqual([
          [freed, undefined],
          [moved, second],
        ]);
        await store.revokeLease(second, call());
        expect((await read(prefix)).keys.map(({ key }) => key)).toEqual([freed]);
      });

      fact('a put on a lease that is gone surely changes nothing', async (prefix) => {
        const lease = await mustGrant();
        await store.revokeLease(lease, call());
        for (const gone of [lease, leaseId('4711')]) {
          const outcome = await write([put(`${prefix}a`), put(`${prefix}b`, 'v', gone)]);
          expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'lease-gone' } });
        }
        expect((await read(prefix)).keys).toEqual([]);
      });

      fact('a comparison that fails is told before a lease that is gone', async (prefix) => {
        const key = `${prefix}k`;
        await mustApply([put(key)]);
        expect((await write([put(key, 'w', leaseId('4711'))], { [key]: NEVER })).kind).toBe('refused');
      });

      fact('an unknown lease is gone, not an error', async () => {
        expect(await store.keepLeaseAlive(leaseId('4711'), call())).toEqual({ kind: 'ok', value: 'gone' });
      });
    });

    describe('watching', () => {
      const listen = (prefix: string) => {
        let changes = 0;
        const losses: string[] = [];
        const watch = store.watch(prefix, {
          changed: () => (changes += 1),
          lost: (error) => losses.push(error.message),
        });
        const next = async (from = changes): Promise<void> =>
          void (await eventually('a change was told', 4_000, async () => changes > from));
        return { watch, next, count: () => changes, losses };
      };

      fact('says changed at the start, and for every put, delete and end of a lease', async (prefix) => {
        const key = `${prefix}leader`;
        const watched = listen(prefix);
        await watched.next(0);
        for (const step of [
          async () => mustApply([put(key)]),
          async () => mustApply([{ kind: 'delete', key }]),
          async () => mustApply([put(key, 'v', await mustGrant(2))]),
          async () => {},
        ]) {
          const before = watched.count();
          await step();
          await watched.next(before);
        }
        expect(await only(key)).toBeUndefined();
        expect(watched.losses).toEqual([]);
        watched.watch.close();
      });

      fact('says nothing of other keys, and nothing after it was closed', async (prefix) => {
        const near = listen(`${prefix}a/`);
        const far = listen(`${prefix}b/`);
        await near.next(0);
        await far.next(0);
        const [nearBefore, farBefore] = [near.count(), far.count()];
        await mustApply([put(`${prefix}a/k`)]);
        await near.next(nearBefore);
        expect(far.count()).toBe(farBefore);
        near.watch.close();
        near.watch.close();
        const closed = near.count();
        await mustApply([put(`${prefix}a/k`), put(`${prefix}b/k`)]);
        await far.next(farBefore);
        expect(near.count()).toBe(closed);
        far.watch.close();
      });

      fact('stays silent and alive while nothing happens', async (prefix) => {
        const watched = listen(prefix);
        await watched.next(0);
        const before = watched.count();
        await subject.clock.sleep(ms(3_600), call());
        expect([watched.count(), watched.losses]).toEqual([before, []]);
        watched.watch.close();
      });
    });

    describe('ends', () => {
      fact('a call whose signal is aborted already surely does nothing', async (prefix) => {
        const aborted: Call = { timeout: ms(1_000), signal: AbortSignal.abort() };
        const txn = { compare: [], writes: [put(`${prefix}k`)] };
        expect(await store.transact(txn, aborted)).toMatchObject({ kind: 'failed', error: { code: 'cancelled' } });
        expect(await store.range(prefix, aborted)).toMatchObject({ kind: 'failed', error: { code: 'cancelled' } });
        expect((await read(prefix)).keys).toEqual([]);
      });

      fact('after close, which can be repeated, every call fails and other clients go on', async (prefix) => {
        const closed = subject.client();
        const told: string[] = [];
        const watch = closed.watch(prefix, { changed: () => told.push('changed'), lost: () => told.push('lost') });
        const underWay = closed.range(prefix, call());
        await closed.close();
        await closed.close();
        watch.close();
        expect((await underWay).kind).toMatch(/ok|failed/u);
        const before = told.length;
        await mustApply([put(`${prefix}k`)]);
        expect(await closed.range(prefix, call())).toMatchObject({ kind: 'failed', error: { code: 'cancelled' } });
        const txn = { compare: [], writes: [put(`${prefix}k`, 'late')] };
        expect(await closed.transact(txn, call())).toMatchObject({ kind: 'failed', error: { code: 'cancelled' } });
        expect((await only(`${prefix}k`))?.value).toBe('v');
        expect(told).toHaveLength(before);
      });

      fact('status tells each server and its version', async () => {
        const { endpoints, alarms } = valueOf(await store.status(call()));
        expect(endpoints.length).toBeGreaterThan(0);
        for (const one of endpoints) expect(one).toMatchObject({ version: /^3\.\d+\.\d+$/u, error: undefined });
        expect(alarms).toEqual([]);
      });
    });

    describe('out of space', () => {
      fact('reads, renewals, deletes and revocations work; puts and new leases surely do nothing', async (prefix) => {
        const key = `${prefix}k`;
        const lease = await mustGrant();
        const at = await mustApply([put(key, 'v', lease), put(`${prefix}old`)]);
        await subject.fill();
        try {
          const full = { kind: 'failed', error: { code: 'no-space' } };
          expect(await write([put(key, 'w')], { [key]: at })).toMatchObject(full);
          expect(await write([put(`${prefix}new`)], { [`${prefix}new`]: NEVER })).toMatchObject(full);
          expect(await store.grantLease(ms(5_000), call())).toMatchObject(full);
          expect((await only(key))?.modRevision).toBe(at);
          expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'alive' });
          await mustApply([{ kind: 'delete', key: `${prefix}old` }]);
          // Without a comparison of a key that it writes, nothing can tell whether it was the write that filled the store.
          expect((await write([put(key, 'w')])).kind).toBe('unknown');
          expect(valueOf(await store.status(call())).alarms).toEqual(['NOSPACE']);
          expect(await store.revokeLease(lease, call())).toEqual({ kind: 'ok', value: 'revoked' });
          expect((await read(prefix)).keys).toEqual([]);
        } finally {
          await subject.free();
        }
        await mustApply([put(key, 'again')], { [key]: NEVER });
        expect(valueOf(await store.status(call())).alarms).toEqual([]);
      });
    });
  });
};

const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.kind === 'failed') throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.value;
};

const describeOutcome = (outcome: TransactOutcome): string =>
  outcome.kind === 'failed' || outcome.kind === 'unknown'
    ? `${outcome.kind}: ${outcome.error.code}: ${outcome.error.message}`
    : outcome.kind;
