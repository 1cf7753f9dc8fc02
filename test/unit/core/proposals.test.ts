import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import type { HistoryEntry } from '../../../src/core/model.ts';
import * as proposals from '../../../src/core/proposals.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { nameOf } from '../../../src/state/paths.ts';
import {
  heartbeat,
  history,
  keyed,
  leader,
  name,
  ownView,
  position,
  record,
  reign,
  rev,
  term,
  view,
} from './support.ts';

const written = (t: StateTransaction): readonly string[] => t.writes.map((w) => nameOf(w.key)).toSorted();
const compared = (t: StateTransaction): readonly string[] => t.compare.map((c) => nameOf(c.key)).toSorted();
const comparesAChangedKey = (t: StateTransaction): boolean => written(t).some((key) => compared(t).includes(key));

const anyView = fc
  .record({
    leader: fc.boolean(),
    heartbeat: fc.boolean(),
    history: fc.boolean(),
    at: fc.integer({ min: 20, max: 1_000 }),
  })
  .map((has) =>
    view({
      leader: has.leader ? keyed(name('b'), 10) : undefined,
      heartbeat: has.heartbeat ? keyed(heartbeat(), has.at) : undefined,
      history: has.history ? keyed(history(), 10) : undefined,
    }),
  );
const hows = fc.constantFrom<HistoryEntry['how'][]>('bootstrap', 'acquire', 'take-over', 're-acquire', 'restart');
const m = leader();

test('D3 compares leader, heartbeat, history, sync and failsafe, and writes leader, heartbeat, history and the old entry', () => {
  fc.assert(
    fc.property(anyView, hows, fc.integer({ min: 2, max: 99 }), (seen, how, generation) => {
      const t = proposals.proposeLead({
        view: seen,
        memory: m,
        how,
        generation,
        ttl: ms(10_000),
        reason: 'test',
        from: undefined,
        position: position(2, 150),
      })!;
      expect(compared(t)).toEqual(['failsafe', 'heartbeat', 'history', 'leader', 'sync']);
      for (const { key, modRevision } of t.compare)
        expect(modRevision).toBe(seen[key.kind as 'leader' | 'heartbeat' | 'history']?.modRevision ?? 0n);
      const archive = seen.history === undefined ? [] : ['history/10'];
      expect(written(t)).toEqual(['heartbeat', 'history', ...archive, 'leader']);
      for (const write of t.writes) {
        if (write.kind === 'put' && write.key.kind === 'leader') expect(write.lease).toBe(m.lease);
        if (write.kind === 'put' && write.key.kind === 'heartbeat')
          expect(write.value).toMatchObject({ released: false, cleared: false, paused: false, term: undefined });
      }
    }),
  );
});

test('without a lease there is no proposal to lead', () => {
  const input = { view: view(), how: 'acquire', generation: 3, ttl: ms(1), reason: '', from: undefined } as const;
  expect(proposals.proposeLead({ ...input, memory: { ...m, lease: undefined }, position: undefined })).toBeUndefined();
});

test('heartbeats compare the own term and the own last heartbeat, and never write the leader key (D1, D4)', () => {
  const says = fc.record({ cleared: fc.boolean(), paused: fc.boolean(), ttl: fc.constantFrom(ms(3_000), ms(60_000)) });
  fc.assert(
    fc.property(says, fc.integer({ min: 1, max: 9_999 }), (said, n) => {
      const own = reign({ term: term(n), heartbeatRevision: rev(n + 5) });
      const t = proposals.proposeHeartbeat(own, m, { ...said, position: undefined, slots: {} });
      expect(t.compare).toEqual([
        { key: { kind: 'leader' }, modRevision: rev(n) },
        { key: { kind: 'heartbeat' }, modRevision: rev(n + 5) },
      ]);
      expect(written(t)).toEqual(['heartbeat']);
    }),
  );
});

test('a hand-over puts the leader key on the candidate’s lease, released, with the next generation (D14)', () => {
  const to = record('c');
  const intent = { kind: 'switchover', id: 'i1', by: 'x', at: undefined, outcome: undefined } as const;
  const t = proposals.proposeHandOver({
    reign: reign(),
    view: ownView(),
    memory: m,
    to: keyed(to, 44),
    position: position(2, 200),
    intent: { ...intent, from: undefined, to: to.name },
    intentRevision: rev(25),
    reason: 'test',
  });
  expect(compared(t)).toEqual(['heartbeat', 'history', 'intents/i1', 'leader', 'members/c', 'sync']);
  expect(written(t)).toEqual(['heartbeat', 'history', 'history/10', 'intents/i1', 'leader']);
  expect(t.writes).toContainEqual({ kind: 'put', key: { kind: 'leader' }, value: to.name, lease: to.lease });
  const beat = t.writes.find((w) => w.key.kind === 'heartbeat');
  expect(beat).toMatchObject({ value: { released: true, position: position(2, 200), term: undefined } });
  const entry = t.writes.find((w) => w.key.kind === 'history');
  expect(entry).toMatchObject({ value: { member: 'c', instance: to.instance, generation: 3, how: 'hand-over' } });
});

test('a release says so and gives the key back; who was never cleared gives it back without a word (D6, A3)', () => {
  const release = proposals.proposeRelease(reign(), m, position(2, 200));
  expect(written(release)).toEqual(['heartbeat', 'leader']);
  expect(release.writes[0]).toMatchObject({ value: { released: true, position: position(2, 200) } });
  expect(written(proposals.proposeGiveBack(reign()))).toEqual(['leader']);
});

test('every proposal compares a key that it changes, so that a late one can be ruled out (D2)', () => {
  const intent = { kind: 'restart', id: 'i2', by: 'x', at: undefined, outcome: undefined } as const;
  const all = [
    proposals.proposeHeartbeat(reign(), m, {
      cleared: true,
      paused: false,
      ttl: ms(1),
      position: undefined,
      slots: {},
    }),
    proposals.proposeRelease(reign(), m, undefined),
    proposals.proposeGiveBack(reign()),
    proposals.proposeFenced(term(10), name('a'), m.lease),
    proposals.proposeOutcome({ ...intent, member: name('a'), onlyIfPending: false }, rev(7), {
      kind: 'done',
      reason: '',
      at: 1,
    }),
    proposals.proposeMember(record('a'), rev(5)),
    proposals.proposeInitialize(view().initialize!.value, view(), m),
    proposals.proposeForget('i2', rev(7)),
    proposals.proposeDisown(rev(10)),
  ];
  for (const t of all) expect(comparesAChangedKey(t), written(t).join()).toBe(true);
});

test('the next generation is one that nobody has reserved or used (I6)', () => {
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }), fc.nat(99), (reserved, own) => {
      const seen = view({ history: reserved === undefined ? undefined : keyed(history({ generation: reserved }), 10) });
      const next = proposals.nextGeneration(seen, own);
      expect(next).toBeGreaterThan(Math.max(reserved ?? 1, own));
    }),
  );
});
