import { expect, test } from 'vitest';
import { leaseId } from '../../../../src/core/brand.ts';
import { known } from '../../../../src/core/known.ts';
import type { Memory } from '../../../../src/core/memory.ts';
import type { ClusterView } from '../../../../src/core/model.ts';
import { memberRecord } from '../../../../src/core/publish.ts';
import { DEFAULT_SETTINGS } from '../../../../src/core/settings.ts';
import {
  feed,
  follower,
  heartbeat,
  history,
  instance,
  instant,
  keyed,
  leader,
  name,
  ownView,
  position,
  positions,
  primary,
  record,
  reign,
  rev,
  running,
  term,
  those,
  view,
  writing,
} from '../support.ts';

/** From one leader to the next in a cluster that promises its writes, without waiting for what is known already. */

const settings = { ...DEFAULT_SETTINGS, replication: { ...DEFAULT_SETTINGS.replication, mode: 'quorum' as const } };
const promise = { term: term(10), leader: 'b~blife1', voters: ['a~alife1', 'c~clife1'], acks: 1 };
const pledge = (who: string) =>
  [
    name(who),
    keyed({ member: name(who), instance: instance(`${who}life1`), term: term(10), position: position(2, 150) }, 40),
  ] as const;
const settled = { unsettled: false, stopped: undefined, withdrawn: undefined };

/** Member a and c have pledged, and a comes first. */
const elected = (over: Partial<ClusterView>): Memory =>
  follower({
    settings,
    pledging: settled,
    pledgeWantedSince: instant(0),
    database: known(running({ source: undefined, streaming: false })),
    view: view({
      settings: keyed(settings, 3),
      sync: keyed([promise], 15),
      pledges: new Map([pledge('a'), pledge('c')]),
      ...over,
    }),
  });

const openFrom = (m: Memory): number | undefined => {
  const asked = feed(m, { kind: 'tick' }, 4_000);
  const flight = writing(asked, 'leader')?.flight;
  if (flight === undefined) throw new Error(`${asked.memory.decision.rule} does not stand`);
  const led = feed(
    asked.memory,
    { kind: 'transacted', flight, outcome: { kind: 'applied', revision: rev(50) } },
    4_010,
  );
  return led.memory.reign?.openFrom?.mono;
};

test('a leader by pledges opens when its predecessor must have noticed that it is late, and at once where that is fenced (D16)', () => {
  const suspected = new Map(
    ['a', 'c'].map((who) => [
      name(who),
      keyed({ member: name(who), instance: instance(`${who}life1`), term: term(10), evidence: 'silence' as const }, 41),
    ]),
  );
  expect(openFrom(elected({ suspects: suspected }))).toBeGreaterThan(4_010);
  expect(openFrom(elected({ leader: undefined, heartbeat: keyed(heartbeat({ released: true }), 20) }))).toBeUndefined();
});

const own = { term: term(10), leader: 'a~alife1', voters: ['b~blife1', 'c~clife1'], acks: 1 };
const demanded = { voters: own.voters, acks: own.acks };

const promoted = (over: Partial<Memory>, generation: number): Memory => {
  const task = { kind: 'promote', term: term(10), generation: 3 } as const;
  const m = leader({
    settings,
    reign: reign({ generation: 3, barrier: false }),
    view: ownView({ settings: keyed(settings, 3), sync: keyed([own], 15) }),
    database: known(running({ source: undefined, streaming: false })),
    task: { task, since: instant(0) },
    demand: { ...leader().demand, prepared: demanded, unsettled: false },
    ...over,
  });
  const database = known(primary({ generation, position: position(3, 160) }));
  return feed(m, { kind: 'task-ended', task, result: { kind: 'done' }, database, at: instant(100) }, 100).memory;
};

test('what was prepared is proven by the promotion, up to the end of the log that it began with (D7, D8)', () => {
  expect(promoted({}, 3).demand).toMatchObject({
    proven: demanded,
    prepared: undefined,
    mark: position(3, 160),
    committed: false,
  });
});

test('nothing is proven by the promotion of what was not prepared, or of another generation', () => {
  expect(promoted({ demand: { ...leader().demand, unsettled: false } }, 3).demand.proven).toBeUndefined();
  expect(promoted({}, 4).demand.proven).toBeUndefined();
});

test('what was prepared is gone as soon as a source is followed again', () => {
  const m = follower({
    settings,
    pledging: settled,
    demand: { ...leader().demand, prepared: demanded },
    database: known(running({ source: undefined, streaming: false })),
    view: view({ sync: keyed([promise], 15), heartbeat: keyed(heartbeat({ position: position(2, 150) }), 20) }),
  });
  const followed = feed(m, { kind: 'tick' }, 100);
  expect(those(followed, 'run').map(({ task }) => task.kind)).toEqual(['follow']);
  expect(followed.memory.demand.prepared).toBeUndefined();
});

test('the members that vote for the old leader vote for the one it hands over to, though their streams have just ended', () => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true, leftovers: 0 } as const;
  const members = ['a', 'b', 'c'].map(
    (who) => [name(who), keyed(record(who, { state: 'running', role: 'replica' }), 5)] as const,
  );
  const m = leader({
    settings,
    mayBePrimary: false,
    view: ownView({ settings: keyed(settings, 3), sync: keyed([own], 15), members: new Map(members) }),
    database: known({ ...stopped, position: position(2, 200), generation: 2 }),
    handover: {
      to: name('b'),
      intent: undefined,
      reason: 'test',
      startedAt: instant(0),
      phase: 'handing-over',
      final: position(2, 200),
      instance: instance('blife1'),
      until: instant(9_000),
    },
  });
  const promised = writing(feed(m, { kind: 'tick' }, 10), 'leader')?.transaction.writes.find(
    ({ key }) => key.kind === 'sync',
  );
  expect(promised).toMatchObject({ value: [own, { leader: 'b~blife1', voters: ['c~clife1', 'a~alife1'], acks: 1 }] });
});

test('whoever pledged for the leader of a new term follows it before it is primary, where it has all of its log (D11)', () => {
  const m = (at: number): Memory =>
    follower({
      settings,
      pledging: settled,
      database: known(running({ source: undefined, streaming: false, position: position(2, at) })),
      view: view({
        settings: keyed(settings, 3),
        leader: keyed(name('c'), 45),
        history: keyed(history({ member: name('c'), instance: instance('clife1'), generation: 3 }), 45),
        heartbeat: keyed(heartbeat({ member: name('c'), instance: instance('clife1') }), 45),
        sync: keyed([promise, { term: undefined, leader: 'c~clife1', voters: ['a~alife1'], acks: 1 }], 45),
        pledges: new Map([pledge('a'), pledge('c')]),
      }),
    });
  expect(those(feed(m(150), { kind: 'tick' }, 10), 'run').map(({ task }) => task)).toMatchObject([
    { kind: 'follow', source: { member: 'c' } },
  ]);
  expect(those(feed(m(170), { kind: 'tick' }, 10), 'run').map(({ task }) => task.kind)).not.toContain('follow');
});

test('a voter that is to be restarted or copied anew says so, waits until it is no voter any more, and votes again when it is done', () => {
  for (const wish of [
    { kind: 'restart' as const, onlyIfPending: false },
    { kind: 'reinitialize' as const, fromLeader: true },
  ]) {
    const intent = { id: 'i1', by: 'tester', at: undefined, member: name('a'), outcome: undefined, ...wish };
    const asked = (sync: typeof promise): Memory =>
      follower({
        settings,
        pledging: settled,
        lease: leaseId('97'),
        publishedAt: undefined,
        view: view({ settings: keyed(settings, 3), sync: keyed([sync], 15), intents: [keyed(intent, 21)] }),
      });
    const waits = feed(asked(promise), { kind: 'tick' }, 10);
    expect(waits.memory.decision.rule).toBe('member.leave-voters');
    expect(writing(waits, 'member')?.transaction.writes[0]).toMatchObject({ value: { tags: { nosync: true } } });
    expect(feed(waits.memory, { kind: 'tick' }, 3_100).memory.decision.rule).toBe(`intent.${wish.kind}`);
    const free = feed(asked({ ...promise, voters: ['c~clife1'] }), { kind: 'tick' }, 10);
    expect(free.memory.decision.rule).toBe(`intent.${wish.kind}`);
    const done = { ...free.memory, task: undefined, carrying: undefined, flights: [], publishedAt: undefined };
    const back = feed({ ...done, view: view({ sync: keyed([promise], 15) }) }, { kind: 'tick' }, 20);
    expect(memberRecord(back.memory, positions)?.tags.nosync).toBe(false);
  }
});
