import { expect, test } from 'vitest';
import { carryOut } from '../../../src/core/actions.ts';
import { ms } from '../../../src/core/brand.ts';
import type { Instant } from '../../../src/core/instant.ts';
import { known } from '../../../src/core/known.ts';
import type { Memory, Settled, Step, Task, TaskResult } from '../../../src/core/memory.ts';
import type { Intent } from '../../../src/core/model.ts';
import { takeSnapshot } from '../../../src/core/snapshot.ts';
import { wantedConfiguration } from '../../../src/core/rules/upkeep.ts';
import {
  answer,
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
} from './support.ts';

/** What single events lead to; each of these was, or could have been, a hole. */

const lost: Settled = { kind: 'unknown', why: 'no answer' };
const ran = (s: Step): readonly string[] => those(s, 'run').map((e) => e.task.kind);
const ended = (m: Memory, task: Task, result: TaskResult, db: Parameters<typeof known>[0], at: number): Step =>
  feed(
    { ...m, task: { task, since: m.now } },
    { kind: 'task-ended', task, result, database: known(db) as Memory['database'], at: instant(at) },
    at,
  );
const vacant = view({ leader: undefined, heartbeat: keyed(heartbeat({ released: true }), 20) });
const asked = {
  at: instant(0),
  answers: new Map(['b', 'c'].map((who) => [name(who), known(answer(who))])),
};
const promote: Task = { kind: 'promote', term: term(10), generation: 3 };

test('a promotion that timed out may still come: it is fenced before anything is released (D6, I11)', () => {
  const m = leader({ reign: reign({ generation: 3 }), database: known(running({ source: undefined })), peers: asked });
  const timedOut = { kind: 'failed', code: 'timed-out', message: 'still in recovery' } as const;
  const after = ended(m, promote, timedOut, running({ source: undefined }), 100);
  expect(after.memory).toMatchObject({ promotionPending: true, mayBePrimary: true });
  expect(ran(after)).toEqual(['fence']);
  expect(writing(after, 'leader')).toBeUndefined();
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: false, wasPrimary: false } as const;
  const db = { ...stopped, position: undefined, generation: 2, leftovers: 0 };
  const fenced = ended(after.memory, { kind: 'fence', reason: '' }, { kind: 'done' }, db, 200);
  expect(fenced.memory).toMatchObject({ promotionPending: false, mayBePrimary: false });
  expect(writing(fenced, 'leader')?.transaction.writes.map((w) => w.kind)).toEqual(['put', 'delete']);
});

test('a promotion that was aborted because its term is over is fenced, whatever the database says just now', () => {
  const m = follower({ mayBePrimary: true });
  expect(ran(ended(m, promote, { kind: 'aborted' }, running(), 100))).toEqual(['fence']);
});

test('a promotion that an earlier process may have begun is ended before anything else (decision 0027)', () => {
  const takesUp = (agent: string, db: Parameters<typeof known>[0]): readonly string[] => {
    const led = ownView({ heartbeat: keyed(heartbeat({ member: name('a'), agent, term: term(10) }), 20) });
    const taken = feed(follower({ database: known(db) as Memory['database'] }), { kind: 'view', view: led }, 10);
    const flight = writing(taken, 'heartbeat')?.flight ?? 0;
    const proven = feed(
      taken.memory,
      { kind: 'transacted', flight, outcome: { kind: 'applied', revision: rev(30) } },
      20,
    );
    return ran(proven);
  };
  expect(takesUp('another', running())).toEqual(['fence']);
  expect(takesUp('another', primary())).not.toContain('fence');
  expect(takesUp(follower().self.agent, running())).not.toContain('fence');
});

test('a failed promotion of an earlier leadership does not keep a member from leading for ever', () => {
  const trouble = { task: 'promote', count: 1, at: instant(-60_000), notBefore: instant(-59_000), message: 'failed' };
  const m = leader({ trouble, reign: reign({ generation: 3 }), database: known(running()), mayBePrimary: false });
  expect(ran(feed(m, { kind: 'tick' }, 10))).toEqual(['promote']);
});

const stand = (): Step =>
  feed(follower({ view: vacant, vacantSince: instant(0), peers: asked, silence: undefined }), { kind: 'tick' }, 10);

test('an acquisition whose answer was lost is adopted with the clearance that it was made with (D5)', () => {
  const sent = stand();
  const { flight, transaction } = writing(sent, 'leader')!;
  const values = Object.fromEntries(
    transaction.writes.flatMap((w) => (w.kind === 'put' ? [[w.key.kind, w.value]] : [])),
  );
  const unanswered = feed(sent.memory, { kind: 'transacted', flight, outcome: lost }, 1_500);
  const seen = view({
    revision: rev(40),
    leader: keyed(name('a'), 40),
    heartbeat: keyed(values['heartbeat'] as ReturnType<typeof heartbeat>, 40),
    history: keyed(values['history'] as ReturnType<typeof history>, 40),
  });
  const adopted = feed(unanswered.memory, { kind: 'view', view: seen }, 1_510);
  expect(adopted.memory.reign).toMatchObject({ term: term(40), clearance: 'released', deadline: undefined });
  const another = { ...unanswered.memory, self: { ...unanswered.memory.self, agent: 'agent-2' } };
  expect(feed(another, { kind: 'view', view: seen }, 1_510).memory.reign).toMatchObject({ clearance: 'no' });
});

test('a key that is ours but names another life of the data is not adopted (D12, A11)', () => {
  const seen = ownView({ history: keyed(history({ member: name('a'), instance: instance('older') }), 10) });
  expect(feed(follower(), { kind: 'view', view: seen }, 10).memory.reign).toBeUndefined();
});

test('a term that was said to be fenced is not taken up again (D6)', () => {
  const seen = ownView({ fenced: new Set([term(10)]) });
  expect(feed(follower(), { kind: 'view', view: seen }, 10).memory.reign).toBeUndefined();
  // Nor while that may still be on its way.
  const told = follower({ toldFenced: term(10) });
  expect(feed(told, { kind: 'view', view: ownView() }, 10).memory.reign).toBeUndefined();
});

test('an adopted term promotes nothing before a heartbeat of this process (D2, D4)', () => {
  const m = follower({ database: known(running({ source: undefined })) });
  const adopted = feed(m, { kind: 'view', view: ownView({}, { cleared: true }) }, 10);
  expect(adopted.memory.reign).toMatchObject({ unsettled: true, deadline: undefined });
  expect(ran(adopted)).toEqual([]);
  expect(writing(adopted, 'heartbeat')).toBeDefined();
});

test('a leader whose key vanished while its database is down says that it is fenced, if it was cleared', () => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true } as const;
  const db = known({ ...stopped, position: position(2, 160), generation: 2, leftovers: 0 });
  const gone = ownView({ leader: undefined, revision: rev(31) });
  const m = leader({ database: db, mayBePrimary: false });
  expect(writing(feed(m, { kind: 'view', view: gone }, 10), 'fenced')).toBeDefined();
  const uncleared = { ...m, reign: reign({ clearance: 'no' }) };
  expect(writing(feed(uncleared, { kind: 'view', view: gone }, 10), 'fenced')).toBeUndefined();
});

test('a leader whose key another holds fences at once', () => {
  const taken = view({ leader: keyed(name('b'), 33), history: keyed(history(), 33), revision: rev(33) });
  expect(ran(feed(leader(), { kind: 'view', view: taken }, 10))).toEqual(['fence']);
});

const handing = {
  phase: 'handing-over',
  final: position(2, 160),
  instance: instance('blife1'),
  until: instant(5_000),
} as const;

/** The leader with a clean stop behind it, about to give b the key. */
const givingAway = (over: { readonly intent?: string; readonly until?: Instant } = {}): Memory => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true } as const;
  return leader({
    database: known({ ...stopped, position: position(2, 160), generation: 2, leftovers: 0 }),
    mayBePrimary: false,
    handover: { to: name('b'), intent: undefined, reason: 'test', startedAt: instant(0), ...handing, ...over },
  });
};
/** The answer that another key than its own has changed: its right is intact. */
const changedMeanwhile = {
  kind: 'refused',
  revision: rev(45),
  leader: rev(10),
  heartbeat: rev(20),
  mine: true,
} as const;

test('a hand-over that was refused for a newer record of the same candidate is sent again with that record (D14)', () => {
  const sent = feed(givingAway(), { kind: 'tick' }, 10);
  const { flight } = writing(sent, 'leader')!;
  const refused = feed(sent.memory, { kind: 'transacted', flight, outcome: changedMeanwhile }, 20);
  expect(refused.memory.handover?.phase).toBe('handing-over');
  expect(writing(refused, 'leader')).toBeUndefined();
  const members = new Map([[name('b'), keyed(record('b', { state: 'catching-up' }), 44)]]);
  const seen = feed(refused.memory, { kind: 'view', view: ownView({ members, revision: rev(45) }) }, 30);
  expect(writing(seen, 'leader')?.transaction.compare).toContainEqual({
    key: { kind: 'member', name: name('b') },
    modRevision: rev(44),
  });
});

test('the key is not handed to other data than was seen to hold everything, nor after a withdrawal, nor for ever', () => {
  const why = (m: Memory, over: Parameters<typeof ownView>[0], at: number): unknown => {
    const seen = feed(m, { kind: 'view', view: ownView({ revision: rev(45), ...over }) }, at);
    expect(writing(seen, 'leader')).toBeUndefined();
    return those(seen, 'tell').find(({ event }) => event === 'handover.failed') ?? seen.memory.handover;
  };
  const replaced = new Map([[name('b'), keyed(record('b', { instance: instance('blife2') }), 44)]]);
  expect(why(givingAway(), { members: replaced }, 30)).toMatchObject({ why: expect.stringContaining('was replaced') });
  expect(why(givingAway({ intent: 'i1' }), {}, 30)).toMatchObject({ why: expect.stringContaining('withdrawn') });
  expect(why(givingAway({ until: instant(20) }), {}, 30)).toMatchObject({
    why: expect.stringContaining('kept changing'),
  });
});

test('a fault that would follow the leader anywhere moves nobody, and the reasons say so', () => {
  const unfit = 'its disk is full: 2 MiB are free in /data';
  const db = known(primary({ failing: unfit, unfit }));
  const answers = new Map(['b', 'c'].map((who) => [name(who), known(answer(who, { unfit }))]));
  const m = leader({ peers: { at: instant(0), answers } });
  const configured = wantedConfiguration(takeSnapshot(m, positions));
  const seen = (at: number) => ({ kind: 'database', database: db, at: instant(at), rewindObstacles: [] }) as const;
  // The others may not have noticed yet that their own disks are full.
  const early = feed({ ...m, configured }, seen(200), 200);
  expect(those(early, 'ask-peers')).toHaveLength(1);
  expect(ran(early)).toEqual([]);
  const leading = reign({ dueAt: instant(9_000) });
  const heard = { ...early.memory, reign: leading, asking: false, peers: { at: instant(4_700), answers } };
  const { memory, effects } = feed(heard, seen(4_710), 4_710);
  expect(memory.decision.rule).toBe('leader.failing-alone');
  expect(memory.decision.reasons).toEqual([unfit, `not failing over because b: ${unfit}; c: ${unfit}`]);
  expect(effects.filter(({ kind }) => kind === 'run')).toEqual([]);
});

test('a database that could not write is not started again in place where another member can lead', () => {
  const stopped = {
    kind: 'stopped',
    systemId: 'system',
    cleanly: false,
    wasPrimary: true,
    position: undefined,
  } as const;
  const answers = new Map([[name('b'), known(answer('b'))]]);
  const m = leader({ peers: { at: instant(0), answers } });
  const database = known(primary({ failing: 'no answer' }));
  const fenced = feed(m, { kind: 'database', database, at: instant(10), rewindObstacles: [] }, 10);
  expect(ran(fenced)).toEqual(['fence']);
  const task = { kind: 'fence', reason: 'the database cannot write' } as const;
  const after = ended(fenced.memory, task, { kind: 'done' }, { ...stopped, generation: 2, leftovers: 0 }, 300);
  expect(writing(after, 'heartbeat')?.transaction.writes).toContainEqual({ kind: 'delete', key: { kind: 'leader' } });
});

test('after a resume nobody is told to resume: a leader lost while paused has to come back, or be replaced by hand', () => {
  const silence = { revision: rev(20), since: instant(-20_000), ttl: ms(10_000), released: false, paused: true };
  const leaderless = { leader: undefined, heartbeat: keyed(heartbeat({ paused: true }), 20) };
  const { memory } = feed(follower({ view: view(leaderless), silence }), { kind: 'tick' }, 10);
  expect(memory.decision).toMatchObject({
    rule: 'election.wait-silence',
    next: expect.stringContaining('bring the last leader back'),
  });
});

test('only an order that is younger than its loss names the successor of a leader that was lost while paused (0002)', () => {
  const silence = { revision: rev(20), since: instant(-20_000), ttl: ms(10_000), released: false, paused: true };
  const order = {
    kind: 'failover',
    id: 'i1',
    by: 'operator',
    at: undefined,
    outcome: undefined,
    to: name('a'),
  } as const;
  const leaderless = view({ revision: rev(40), leader: undefined, heartbeat: keyed(heartbeat({ paused: true }), 20) });
  const after = (ordered: number): Step => {
    const m = follower({ view: leaderless, silence, leaderlessSince: instant(-5_000), leaderlessFrom: rev(30) });
    const seen = { ...leaderless, intents: [keyed({ ...order, allowDataLoss: true }, ordered)] };
    return feed({ ...m, view: seen }, { kind: 'tick' }, 10);
  };
  const rule = (ordered: number): string => after(ordered).memory.decision.rule;
  // It does not stand in the way of the next one.
  const refused = (ordered: number): unknown =>
    writing(after(ordered), 'intent')?.transaction.writes.find(({ key }) => key.kind === 'intent');

  expect(rule(25)).toBe('election.wait-silence');
  expect(rule(35)).toBe('election.ask');
  expect(refused(25)).toMatchObject({ value: { outcome: { kind: 'refused' } } });
});

test('an unknown hand-over is settled by a heartbeat, and only then the old leader starts again (D2, D14)', () => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true } as const;
  const db = known({ ...stopped, position: position(2, 160), generation: 2, leftovers: 0 });
  const handover = { to: name('b'), intent: undefined, reason: 'test', startedAt: instant(0) } as const;
  const m = leader({
    database: db,
    mayBePrimary: false,
    handover: { ...handover, ...handing },
  });
  const sent = feed(m, { kind: 'tick' }, 10);
  const { flight } = writing(sent, 'leader')!;
  const unknown = feed(sent.memory, { kind: 'transacted', flight, outcome: lost }, 1_510);
  expect([...ran(unknown), writing(unknown, 'leader')]).toEqual([undefined]);
  const asking = feed(unknown.memory, { kind: 'tick' }, 1_700);
  const beat = writing(asking, 'heartbeat')!;
  const settled = feed(
    asking.memory,
    { kind: 'transacted', flight: beat.flight, outcome: { kind: 'applied', revision: rev(41) } },
    1_710,
  );
  expect(settled.memory.reign?.unsettled).toBe(false);
  expect(settled.memory.handover).toBeUndefined();
  expect(ran(feed(settled.memory, { kind: 'view', view: ownView({ revision: rev(42) }) }, 1_720))).toEqual(['start']);
});

test('a hand-over that was refused only for an own heartbeat of unknown outcome is sent again', () => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true } as const;
  const db = known({ ...stopped, position: position(2, 160), generation: 2, leftovers: 0 });
  const handover = { to: name('b'), intent: undefined, reason: 'test', startedAt: instant(0) } as const;
  const phase = { ...handover, ...handing };
  const sent = feed(leader({ database: db, mayBePrimary: false, handover: phase }), { kind: 'tick' }, 10);
  const refused = { kind: 'refused', revision: rev(45), leader: rev(10), heartbeat: rev(44), mine: true } as const;
  const flight = writing(sent, 'leader')!.flight;
  const after = feed(sent.memory, { kind: 'transacted', flight, outcome: refused }, 20);
  expect(after.memory.handover?.phase).toBe('handing-over');
  const seen = feed(after.memory, { kind: 'view', view: ownView({ revision: rev(45) }) }, 30);
  expect(writing(seen, 'leader')?.transaction.compare).toContainEqual({
    key: { kind: 'heartbeat' },
    modRevision: rev(44),
  });
  const foreign = { ...refused, leader: rev(44), mine: false };
  expect(feed(sent.memory, { kind: 'transacted', flight, outcome: foreign }, 20).memory.handover?.phase).toBe('failed');
});

test('a lease that etcd does not know is not used again before the shell tells of a new one', () => {
  const sent = stand();
  const failed: Settled = { kind: 'failed', why: 'requested lease not found', code: 'lease-gone' };
  const after = feed(sent.memory, { kind: 'transacted', flight: writing(sent, 'leader')!.flight, outcome: failed }, 20);
  expect(after.memory.lease).toBeUndefined();
  expect(writing(after, 'leader')).toBeUndefined();
});

test('an intent that was withdrawn is not carried any more', () => {
  const intent = { id: 'i1', by: 'x', at: undefined, outcome: undefined } as const;
  const restart: Intent = { ...intent, kind: 'restart', member: name('a'), onlyIfPending: false };
  const carrying = { id: 'i1', began: true };
  const there = feed(leader({ carrying }), { kind: 'view', view: ownView({ intents: [keyed(restart, 25)] }) }, 1);
  expect(there.memory.carrying).toEqual(carrying);
  expect(feed(there.memory, { kind: 'view', view: ownView() }, 2).memory.carrying).toBeUndefined();
});

test('a configuration that changed while one was applied is applied once more, not for ever', () => {
  const m = follower({ task: { task: { kind: 'configure' }, since: instant(0) }, configured: 'older' });
  const again = ended(m, { kind: 'configure' }, { kind: 'done' }, running(), 10);
  expect(ran(again)).toEqual(['configure']);
  expect(again.memory.configured).toBe(wantedConfiguration(takeSnapshot(again.memory, positions)));
  expect(ran(ended(again.memory, { kind: 'configure' }, { kind: 'done' }, running(), 20))).toEqual([]);
});

test('upkeep gives way to what matters, and never takes its place', () => {
  const busy = { task: { kind: 'keep-slots' } as Task, since: instant(0) };
  const m = leader({ task: busy, reign: reign({ generation: 3 }), database: known(running()), mayBePrimary: false });
  expect(ran(feed(m, { kind: 'tick' }, 10))).toEqual(['promote']);
  expect(
    ran(feed(follower({ task: { ...busy, task: { kind: 'follow', source: undefined } } }), { kind: 'tick' }, 10)),
  ).toEqual([]);
});

test('what changes only the memory is decided from at once', () => {
  const intent = { id: 'i1', by: 'x', at: undefined, outcome: undefined } as const;
  const change: Intent = { ...intent, kind: 'switchover', from: undefined, to: name('c') };
  const m = leader({ peers: asked, view: ownView({ intents: [keyed(change, 25)] }) });
  const begun = feed(m, { kind: 'tick' }, 10);
  expect(begun.memory.handover?.phase).toBe('checkpointing');
  expect(begun.wakeIn).toBe(1);
});

test('a better candidate gets its time from the moment at which it could stand, not from the loss of the key', () => {
  const ahead = { ...asked, answers: new Map([[name('c'), known(answer('c', { position: position(2, 170) }))]]) };
  const keyGone = view({ leader: undefined });
  const silent = { revision: rev(20), since: instant(0), ttl: ms(10_000), released: false, paused: false };
  const m = follower({ view: keyGone, silence: silent, leaderlessSince: instant(0) });
  const asking = feed({ ...m, peers: { ...ahead, at: instant(10_005) } }, { kind: 'tick' }, 10_012);
  const ready = feed({ ...asking.memory, peers: { ...ahead, at: instant(10_013) } }, { kind: 'tick' }, 10_020);
  expect(ready.memory.decision.rule).toBe('election.give-way');
  const late = feed({ ...ready.memory, peers: { ...ahead, at: instant(14_100) } }, { kind: 'tick' }, 14_200);
  expect(writing(late, 'leader')).toBeDefined();
});

test('after a release nothing is primary in that term: the final position of a clean stop stands in it (D6)', () => {
  const stopped = { kind: 'stopped', systemId: 'system', cleanly: true, wasPrimary: true } as const;
  const db = known({ ...stopped, position: position(2, 190), generation: 2, leftovers: 0 });
  const released = feed(leader({ database: db, mayBePrimary: false, stopping: 'full' }), { kind: 'tick' }, 10);
  expect(writing(released, 'heartbeat')?.transaction.writes[0]).toMatchObject({
    value: { released: true, position: position(2, 190) },
  });
  expect(primary().role).toBe('primary');
});

test('a configuration whose place another task took is made again: a member that came back would stay locked out', () => {
  const configuring = {
    ...follower({}),
    configured: 'all members',
    task: { task: { kind: 'configure' }, since: instant(0) },
  } as const;
  const run = (task: Task): Memory => carryOut(configuring, { do: 'run', task }, positions)[0];
  expect(run({ kind: 'follow', source: undefined })).toMatchObject({
    task: { task: { kind: 'follow' } },
    configured: undefined,
  });
  expect(run({ kind: 'keep-slots' })).toMatchObject({
    task: { task: { kind: 'configure' } },
    configured: 'all members',
  });
});
