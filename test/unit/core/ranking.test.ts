import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { rankCandidates, type CandidateReport } from '../../../src/core/candidates.ts';
import { known, unknown, type Known } from '../../../src/core/known.ts';
import type { PeerAnswer } from '../../../src/core/memory.ts';
import type { MemberRecord } from '../../../src/core/model.ts';
import type { MemberName } from '../../../src/core/brand.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../../src/core/settings.ts';
import { simPosition, type SimPosition } from '../../sim/database/positions.ts';
import { answer, heartbeat, instance, keyed, name, positions, record, view } from './support.ts';

/** A few histories that share beginnings, so that all four orders occur. */
const logs = fc
  .record({ path: fc.constantFrom('1', '12', '13', '123', '124'), at: fc.integer({ min: 90, max: 400 }) })
  .map(({ path, at }): SimPosition => {
    const generations = path.split('').map(Number);
    return simPosition(
      generations.map((g, index) => [g, index * 100] as const),
      Math.max(at, (generations.length - 1) * 100),
    );
  });

const member = fc.record({
  priority: fc.integer({ min: 0, max: 2 }),
  nofailover: fc.boolean(),
  state: fc.constantFrom('running', 'streaming', 'catching-up', 'stopped', 'cloning'),
  published: fc.option(logs, { nil: undefined }),
  answer: fc.oneof(
    fc.constant(undefined),
    fc.constant('silent' as const),
    fc.record({ position: logs, instance: fc.constantFrom('same', 'other') }),
  ),
});

const world = fc.record({
  members: fc.array(member, { minLength: 1, maxLength: 6 }),
  reference: fc.option(logs, { nil: undefined }),
  leader: fc.integer({ min: -1, max: 5 }),
  limit: fc.constantFrom(0, 50, 1_000),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

const rank = (w: World, order: readonly number[], allowDataLoss: boolean): readonly CandidateReport[] => {
  const records: MemberRecord[] = w.members.map((m, index) =>
    record(`m${index}`, {
      state: m.state as MemberRecord['state'],
      position: m.published,
      instance: instance(`m${index}life`),
      tags: { ...NO_TAGS, nofailover: m.nofailover, failoverPriority: m.priority },
    }),
  );
  const answers = new Map<MemberName, Known<PeerAnswer>>();
  for (const [index, m] of w.members.entries()) {
    if (m.answer === undefined) continue;
    answers.set(
      name(`m${index}`),
      m.answer === 'silent'
        ? unknown('no answer')
        : known(
            answer(`m${index}`, {
              position: m.answer.position,
              instance: instance(m.answer.instance === 'same' ? `m${index}life` : 'other'),
            }),
          ),
    );
  }
  return rankCandidates({
    view: view({
      leader: w.leader < 0 ? undefined : keyed(name(`m${w.leader}`), 10),
      heartbeat: keyed(heartbeat({ position: w.reference }), 20),
      members: new Map(order.map((index) => [records[index]!.name, keyed(records[index]!, 5)])),
    }),
    settings: { ...DEFAULT_SETTINGS, replication: { ...DEFAULT_SETTINGS.replication, maxLagOnFailover: w.limit } },
    positions,
    answers,
    allowDataLoss,
  });
};

const straight = (w: World): readonly number[] => w.members.map((_, index) => index);
const positionOf = (w: World, who: string): SimPosition | undefined => {
  const m = w.members[Number(who.slice(1))]!;
  return typeof m.answer === 'object' ? m.answer.position : m.published;
};

test('every member is reported once, ranks are 1 to n without a gap, and only blocked members have none', () => {
  fc.assert(
    fc.property(world, fc.boolean(), (w, loss) => {
      const reports = rank(w, straight(w), loss);
      expect(reports.map((r) => r.name).toSorted()).toEqual(straight(w).map((i) => `m${i}`));
      const ranks = reports.flatMap((r) => r.rank ?? []);
      expect(ranks).toEqual(ranks.map((_, index) => index + 1));
      for (const r of reports) {
        expect(r.eligible).toBe(r.rank !== undefined);
        expect(r.eligible).toBe(r.reasons.every((reason) => !reason.blocks));
      }
    }),
  );
});

test('the ranking does not depend on the order in which members are listed', () => {
  const shuffled = world.chain((w) =>
    fc.tuple(fc.constant(w), fc.shuffledSubarray([...straight(w)], { minLength: w.members.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.boolean(), ([w, order], loss) => {
      expect(rank(w, order, loss)).toEqual(rank(w, straight(w), loss));
    }),
    { numRuns: 300 },
  );
});

test('nobody is ranked before a member whose log contains more', () => {
  fc.assert(
    fc.property(world, fc.boolean(), (w, loss) => {
      const able = rank(w, straight(w), loss).filter((r) => r.eligible);
      for (const [index, better] of able.entries())
        for (const worse of able.slice(index + 1))
          expect(positions.compare(positionOf(w, better.name)!, positionOf(w, worse.name)!)).not.toBe('behind');
    }),
    { numRuns: 500 },
  );
});

test('who must not lead is never ranked: tags, no running database, another instance, the leader itself', () => {
  fc.assert(
    fc.property(world, fc.boolean(), (w, loss) => {
      for (const r of rank(w, straight(w), loss).filter((x) => x.eligible)) {
        const m = w.members[Number(r.name.slice(1))]!;
        expect(m.nofailover).toBe(false);
        expect(m.priority).toBeGreaterThan(0);
        expect(r.name).not.toBe(`m${w.leader}`);
        if (typeof m.answer === 'object') expect(m.answer.instance).toBe('same');
        else expect(['running', 'streaming', 'catching-up']).toContain(m.state);
        if (w.reference !== undefined && !loss)
          expect(positions.compare(positionOf(w, r.name)!, w.reference)).not.toBe('diverged');
      }
    }),
    { numRuns: 300 },
  );
});

test('accepting the loss of data only adds candidates', () => {
  fc.assert(
    fc.property(world, (w) => {
      const names = (loss: boolean): readonly string[] =>
        rank(w, straight(w), loss)
          .filter((r) => r.eligible)
          .map((r) => r.name);
      expect(names(true)).toEqual(expect.arrayContaining([...names(false)]));
    }),
    { numRuns: 300 },
  );
});

/** Members a to c as replicas, the last leader d gone; each answers with how far its log reaches. */
const afterLoss = (
  said: Readonly<Record<string, Partial<PeerAnswer>>>,
  over: { readonly reference?: number; readonly leader?: MemberName; readonly allowDataLoss?: boolean } = {},
): Readonly<Record<string, string | undefined>> => {
  const reports = rankCandidates({
    view: view({
      leader: over.leader === undefined ? undefined : keyed(over.leader, 10),
      heartbeat: keyed(
        heartbeat({
          member: name('d'),
          instance: instance('dlife1'),
          position: simPosition([[1, 0]], over.reference ?? 500),
        }),
        20,
      ),
      members: new Map(['a', 'b', 'c', 'd'].map((who) => [name(who), keyed(record(who), 5)])),
    }),
    settings: { ...DEFAULT_SETTINGS, replication: { ...DEFAULT_SETTINGS.replication, maxLagOnFailover: 50 } },
    positions,
    answers: new Map(Object.entries(said).map(([who, value]) => [name(who), known(answer(who, value))])),
    allowDataLoss: over.allowDataLoss ?? false,
  });
  return Object.fromEntries(reports.map((r) => [r.name, r.reasons.find((reason) => reason.blocks)?.text]));
};
const at = (reached: number): Partial<PeerAnswer> => ({ position: simPosition([[1, 0]], reached) });

test('who lacks more than the limit of what a living replica holds must not lead, however old the last heartbeat is', () => {
  const blocked = afterLoss({ a: at(700), b: at(660), c: at(500) });
  expect([blocked['a'], blocked['b']]).toEqual([undefined, undefined]);
  expect(blocked['c']).toMatch(/lacks 200 bytes of a's position/);
  expect(afterLoss({ a: at(700), c: at(500) }, { allowDataLoss: true })['c']).toBeUndefined();
});

test('a leader that answers is no measure: it writes on while the others answer', () => {
  const leads = { ...at(5_000), leads: true, holdsRight: true, role: 'primary' } as const;
  expect(afterLoss({ a: at(700), c: at(500), d: leads }, { leader: name('d') })['c']).toBeUndefined();
});

test('neither the tail of a former leader, nor a server promoted by hand, nor replaced data is a measure', () => {
  const fork = {
    position: simPosition(
      [
        [1, 0],
        [2, 400],
      ],
      900,
    ),
  };
  const byHand = { ...at(900), role: 'primary' } as const;
  const replaced = { ...at(900), instance: instance('blife2') };
  for (const b of [fork, byHand, replaced]) expect(afterLoss({ a: at(500), b })['a']).toBeUndefined();
});

test('what only the last leader held blocks nobody any more when that member says that its data was replaced', () => {
  expect(afterLoss({ a: at(400) })['a']).toMatch(/lacks 100 bytes of the last leader's position/);
  const back = { position: undefined, state: 'stopped', role: 'none' } as const;
  expect(afterLoss({ a: at(400), d: back })['a']).toMatch(/lacks 100 bytes/);
  expect(afterLoss({ a: at(400), d: { ...back, instance: instance('dlife2') } })['a']).toBeUndefined();
});
