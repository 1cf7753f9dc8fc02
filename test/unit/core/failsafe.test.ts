import { describe, expect, test } from 'vitest';
import { newMemory } from '../../../src/core/agent.ts';
import { ms } from '../../../src/core/brand.ts';
import { known } from '../../../src/core/known.ts';
import type { Event, Memory, PeerAnswer, PromiseRound, Settled, Step } from '../../../src/core/memory.ts';
import { promiseLeft } from '../../../src/core/promise.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import {
  feed,
  follower,
  fresh,
  heartbeat,
  history,
  instance,
  instant,
  keyed,
  leader,
  moment,
  name,
  ownView,
  primary,
  record,
  reign,
  rev,
  self,
  term,
  those,
  view,
  writing,
} from './support.ts';

/** A leader that loses etcd goes on by promises, and whoever promised does not lead (rule D15). */

const members = ['a', 'b', 'c'].map((who) => ({ name: name(who), apiUrl: `http://${who}` }));
const list = { term: term(10), members };
const inForce = { ...leader().failsafe, list: { ...list, revision: rev(21) } };
/** Member a leads; its last proof is from time 0, its right ends at 9.5 s. */
const proven = (over: Partial<Memory> = {}): Memory =>
  leader({
    view: ownView({ failsafe: keyed(list, 21) }),
    failsafe: inForce,
    reign: reign({ deadline: instant(9_490), dueAt: instant(2_000) }),
    guard: { alive: true, term: term(10), deadline: instant(9_490), lostSince: undefined },
    // A heartbeat is under way that nobody answers.
    flights: [
      {
        id: 1,
        purpose: { kind: 'heartbeat', term: term(10), seq: 4, cleared: true, paused: false, ttl: ms(10_000) },
        sentAt: instant(2_000),
      },
    ],
    nextFlight: 2,
    ...over,
  });
const promised = { promised: true } as const;
const round = (at: number, answers: Readonly<Record<string, { promised: boolean; why?: string }>>): Event => ({
  kind: 'promises',
  round: {
    term: term(10),
    at: instant(at),
    ttl: ms(10_000),
    answers: new Map(Object.entries(answers).map(([who, answer]) => [name(who), answer])) as PromiseRound['answers'],
  },
});
const asks = (s: Step): readonly string[] => those(s, 'ask-promises').flatMap((e) => e.members.map((m) => m.name));

/** What an agent says whose database is gone. */
const GONE: PeerAnswer = {
  name: name('b'),
  instance: instance('blife1'),
  state: 'stopped',
  role: 'none',
  position: undefined,
  applied: undefined,
  leads: false,
  holdsRight: false,
  eligible: false,
};

describe('the list of who must promise', () => {
  const unlisted = leader({ reign: reign({ dueAt: instant(2_000) }) });

  test('is written by a proven leader, comparing its term, and counts only when it is known to be written', () => {
    const sent = feed(unlisted, { kind: 'tick' }, 100);
    const effect = writing(sent, 'failsafe')!;
    expect(effect.transaction).toMatchObject({
      compare: [
        { key: { kind: 'leader' }, modRevision: rev(10) },
        { key: { kind: 'failsafe' }, modRevision: rev(0) },
      ],
      writes: [{ kind: 'put', value: { term: term(10), members } }],
    });
    const settle = (outcome: Settled): Memory =>
      feed(sent.memory, { kind: 'transacted', flight: effect.flight, outcome }, 200).memory;
    expect(settle({ kind: 'applied', revision: rev(31) }).failsafe.list).toMatchObject({ revision: rev(31) });
    expect(settle({ kind: 'unknown', why: 'no answer' }).failsafe.list).toBeUndefined();
  });

  test('is not written before the term is proven, nor by a follower', () => {
    const unproven = leader({ reign: reign({ deadline: undefined, unsettled: true }) });
    expect(writing(feed(unproven, { kind: 'tick' }, 10), 'failsafe')).toBeUndefined();
    expect(writing(feed(follower(), { kind: 'tick' }, 10), 'failsafe')).toBeUndefined();
  });

  test('keeps a member that is gone for five minutes', () => {
    const seen = ownView({ failsafe: keyed(list, 21), members: new Map([[name('a'), keyed(record('a'), 5)]]) });
    const gone = feed(proven({ flights: [] }), { kind: 'view', view: seen }, 100);
    expect(writing(gone, 'failsafe')).toBeUndefined();
    const on = (at: number): Step =>
      feed(
        { ...gone.memory, reign: reign({ deadline: instant(at + 9_000), dueAt: instant(at + 500) }) },
        { kind: 'tick' },
        at,
      );
    expect(writing(on(299_000), 'failsafe')).toBeUndefined();
    expect(writing(on(301_000), 'failsafe')?.transaction.writes).toMatchObject([
      { value: { members: [{ name: 'a' }] } },
    ]);
  });

  test('is removed where failsafe is switched off', () => {
    const off = proven({ settings: { ...DEFAULT_SETTINGS, failsafe: false }, flights: [] });
    const sent = feed(off, { kind: 'tick' }, 100);
    expect(writing(sent, 'failsafe')?.transaction.writes).toEqual([{ kind: 'delete', key: { kind: 'failsafe' } }]);
    expect(sent.memory.failsafe.list).toBeUndefined();
  });
});

describe('a leader whose heartbeat is not answered', () => {
  test('asks every other listed member, once, when the call has had its time', () => {
    expect(asks(feed(proven(), { kind: 'tick' }, 3_900))).toEqual([]);
    const asking = feed(proven(), { kind: 'tick' }, 4_000);
    expect(asks(asking)).toEqual(['b', 'c']);
    expect(asks(feed(asking.memory, { kind: 'tick' }, 4_100))).toEqual([]);
  });

  test('goes on when all promise, counted from before the question, and its guard knows', () => {
    const asking = feed(proven(), { kind: 'tick' }, 4_000).memory;
    const on = feed(asking, round(4_000, { b: promised, c: promised }), 4_400);
    // ttl 10 s less drift and margin
    expect(on.memory.reign?.deadline).toEqual(instant(4_000 + 9_490));
    expect(those(on, 'arm')).toEqual([{ kind: 'arm', term: term(10), deadline: instant(13_490) }]);
    expect(those(on, 'tell').map((e) => e.event)).toEqual(['failsafe.begun']);
    expect(on.memory.failsafe.activeSince).toBeDefined();
  });

  test.each([
    ['one refuses', { b: promised, c: { promised: false, why: 'it leads' } }],
    ['one was not asked', { b: promised }],
    ['nobody answers', {}],
  ])('does not go on when %s', (_what, answers) => {
    const asking = feed(proven(), { kind: 'tick' }, 4_000).memory;
    const after = feed(asking, round(4_000, answers), 4_400);
    expect(after.memory.reign?.deadline).toEqual(instant(9_490));
    expect(those(after, 'arm')).toEqual([]);
    expect(after.memory.failsafe.refusals).not.toEqual([]);
  });

  test('does not revive a right that has ended, nor stop a fence that has begun (A13b)', () => {
    const asking = feed(proven(), { kind: 'tick' }, 4_000).memory;
    const late = feed(asking, round(4_000, { b: promised, c: promised }), 9_600);
    expect(late.memory.reign?.deadline).toEqual(instant(9_490));
    const fencing = { ...asking, task: { task: { kind: 'fence', reason: '' } as const, since: instant(7_500) } };
    const during = feed(fencing, round(4_000, { b: promised, c: promised }), 7_600);
    expect(during.memory.reign?.deadline).toEqual(instant(9_490));
  });

  test('does not take the promises of another term (A3)', () => {
    const asking = feed(proven(), { kind: 'tick' }, 4_000).memory;
    const next = { ...asking, reign: reign({ term: term(40), deadline: instant(9_490) }) };
    const after = feed(next, round(4_000, { b: promised, c: promised }), 4_400);
    expect(after.memory.reign?.deadline).toEqual(instant(9_490));
  });

  test('asks nobody without a list that is known to be in force, or while paused, or where it is switched off', () => {
    const none = [
      proven({ failsafe: { ...inForce, list: undefined }, view: ownView({ failsafe: keyed(list, 21) }) }),
      proven({ reign: reign({ pausePublished: true }), settings: { ...DEFAULT_SETTINGS, pause: true } }),
      proven({ settings: { ...DEFAULT_SETTINGS, failsafe: false } }),
      proven({ reign: reign({ deadline: instant(9_490), unsettled: true }) }),
    ];
    for (const m of none) expect(asks(feed(m, { kind: 'tick' }, 4_000))).toEqual([]);
  });

  test('goes back to etcd when that answers again', () => {
    const on = { ...proven(), failsafe: { ...inForce, activeSince: 1 } };
    const applied = { kind: 'transacted', flight: 1, outcome: { kind: 'applied', revision: rev(50) } } as const;
    const after = feed(on, applied, 4_400);
    expect(after.memory.failsafe.activeSince).toBeUndefined();
    expect(those(after, 'tell').map((e) => e.event)).toEqual(['failsafe.ended']);
  });
});

describe('a right that rests on promises', () => {
  const [b] = members;
  const alone = { ...inForce, list: { ...inForce.list, members: [b!] } };

  test('lets nobody into the list who was not asked', () => {
    const m = proven({ flights: [], failsafe: alone });
    expect(writing(feed(m, { kind: 'tick' }, 1_500), 'failsafe')).toBeDefined();
    for (const failsafe of [
      { ...alone, activeSince: 1 },
      { ...alone, asking: true },
    ])
      expect(writing(feed({ ...m, failsafe }, { kind: 'tick' }, 1_500), 'failsafe')).toBeUndefined();
  });

  test('is not sought while another list may come into force (D2)', () => {
    const flight = { id: 8, purpose: { kind: 'failsafe', term: term(10), members }, sentAt: instant(3_900) } as const;
    const m = proven();
    expect(asks(feed({ ...m, flights: [...m.flights, flight] }, { kind: 'tick' }, 4_000))).toEqual([]);
  });

  test('does so until a heartbeat gives as much', () => {
    const on = { ...proven({ reign: reign({ deadline: instant(13_490) }) }), failsafe: { ...inForce, activeSince: 1 } };
    const applied = { kind: 'transacted', flight: 1, outcome: { kind: 'applied', revision: rev(50) } } as const;
    expect(feed(on, applied, 4_400).memory.failsafe.activeSince).toBe(1);
  });
});

describe('a member that is asked', () => {
  const settled = follower({ unsettledLead: undefined });
  const question = (over: object = {}): Event => ({
    kind: 'promise-asked',
    question: 7,
    request: { from: name('b'), instance: instance('blife1'), term: term(10), ttl: ms(10_000), ...over },
  });
  const answerOf = (m: Memory, event = question()): object | undefined =>
    those(feed(m, event, 100), 'answer-promise')[0];

  test('promises, and the silence of the leader begins anew', () => {
    const after = feed(settled, question(), 5_000);
    expect(those(after, 'answer-promise')).toEqual([
      { kind: 'answer-promise', question: 7, promised: true, term: term(10), ttl: 10_000 },
    ]);
    expect(after.memory.silence?.since).toEqual(instant(5_000));
    expect(promiseLeft({ ...after.memory, now: instant(6_000) })).toBeCloseTo(9_010);
  });

  test.each<[string, Memory]>([
    ['leads itself', leader()],
    ['has a database that may be primary', follower({ mayBePrimary: true })],
    ['has not seen yet what its database is', follower({ looked: false })],
    ['has not seen the cluster', { ...follower(), view: undefined }],
    ['has a take-over of unknown outcome', follower({ unsettledLead: rev(20) })],
    [
      'has seen a newer term',
      follower({ view: view({ leader: keyed(name('c'), 25), history: keyed(history({ member: name('c') }), 25) }) }),
    ],
    [
      'knows another leader of that term',
      follower({ view: view({ history: keyed(history({ member: name('c') }), 10) }) }),
    ],
  ])('does not promise when it %s', (_what, m) => {
    expect(answerOf(m)).toMatchObject({ question: 7, promised: false });
  });

  const vacant = view({ leader: undefined, heartbeat: keyed(heartbeat({ released: true }), 20) });

  test('does not stand for election until the promise has ended', () => {
    const m = follower({ view: vacant, promise: { term: term(10), since: instant(0), for: ms(10_010) } });
    expect(feed(m, { kind: 'tick' }, 5_000).memory.decision.rule).toBe('election.promised');
    expect(feed(m, { kind: 'tick' }, 10_020).memory.decision.rule).not.toBe('election.promised');
  });

  test('keeps the promise of an earlier process of its agent, from its own start on', () => {
    const m = newMemory(self, instance('alife1'), moment(1_000), { term: term(10), ttl: ms(10_000) });
    expect(promiseLeft({ ...m, now: instant(2_000) })).toBeCloseTo(9_010);
    expect(fresh().promise).toBeUndefined();
  });

  test('whoever is not in the list of the last leader does not stand', () => {
    const others = { term: term(10), members: members.slice(1) };
    const stands = (heard: Partial<Memory>, seen = view({ leader: undefined })): string =>
      feed(
        follower({ ...heard, view: { ...seen, failsafe: keyed(others, 21) } }),
        { kind: 'tick' },
        100,
      ).memory.decision.reasons.join();
    expect(stands({})).toMatch(/has not yet counted it/);
    // One that is fenced, or whose data was replaced, goes on by nobody's promise any more.
    expect(stands({}, vacant)).not.toMatch(/has not yet counted it/);
    const says = (life: string, leads: boolean): Partial<Memory> => ({
      peers: {
        at: instant(50),
        answers: new Map([[name('b'), known({ ...GONE, instance: instance(life), leads })]]),
      },
    });
    expect(stands(says('blife2', false))).not.toMatch(/has not yet counted it/);
    expect(stands(says('blife1', false))).toMatch(/has not yet counted it/);
    expect(stands(says('blife2', true))).toMatch(/has not yet counted it/);
  });
});

test('a take-over of unknown outcome may happen until a newer heartbeat is seen (D2)', () => {
  const m = follower({ unsettledLead: rev(20) });
  const same = feed(m, { kind: 'view', view: view({ revision: rev(31) }) }, 10);
  expect(same.memory.unsettledLead).toBe(rev(20));
  const newer = feed(m, { kind: 'view', view: view({ revision: rev(31), heartbeat: keyed(heartbeat(), 31) }) }, 10);
  expect(newer.memory.unsettledLead).toBeUndefined();
  const started = feed(fresh(), { kind: 'view', view: view() }, 10);
  expect(started.memory.unsettledLead).toBe(rev(20));
});

test('a process that has not seen yet what its hung database is never says that it is fenced (D6, I11)', () => {
  const hung = known({ kind: 'unresponsive', systemId: 'system', forMs: ms(9_000), why: 'no answer' } as const);
  const m = follower({ looked: false, owedFence: term(10), database: hung });
  expect(writing(feed(m, { kind: 'tick' }, 10), 'fenced')).toBeUndefined();
  const armed = { alive: true, term: term(10), deadline: instant(9_000), lostSince: undefined };
  expect(those(feed({ ...m, guard: armed }, { kind: 'tick' }, 10), 'disarm')).toEqual([]);
});

test('a key that vanished is taken again over a heartbeat of ours whose answer was lost (D13)', () => {
  const m = leader({ reign: reign({ heartbeatRevision: rev(20) }), database: known(primary()) });
  const gone = ownView({ revision: rev(41), leader: undefined }, { seq: 4 });
  const seen = { ...gone, heartbeat: { ...gone.heartbeat!, modRevision: rev(40) } };
  const after = feed(m, { kind: 'view', view: seen }, 10);
  expect(after.memory.decision.rule).toBe('leader.re-acquire');
  expect(writing(after, 'leader')?.transaction.compare).toContainEqual({
    key: { kind: 'heartbeat' },
    modRevision: rev(40),
  });
});
