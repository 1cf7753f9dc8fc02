import { ms } from '../../../src/core/brand.ts';
import type { DatabaseView } from '../../../src/core/database.ts';
import { known, unknown } from '../../../src/core/known.ts';
import type { Memory, Task } from '../../../src/core/memory.ts';
import type { Handover } from '../../../src/core/handover.ts';
import type { ClusterView, Intent } from '../../../src/core/model.ts';
import { takeSnapshot } from '../../../src/core/snapshot.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { wantedConfiguration } from '../../../src/core/rules/upkeep.ts';
import {
  answer,
  follower,
  heartbeat,
  instance,
  instant,
  keyed,
  leader,
  name,
  ownView,
  position,
  positions,
  primary,
  reign,
  rev,
  running,
  term,
  view,
} from './support.ts';

/** One situation for each rule: what the member knows, and what it wants to do then (the actions' names, tasks with a colon). */
export interface Situation {
  readonly rule: string;
  readonly memory: Memory;
  readonly wants: readonly string[];
}

const stopped = (over: Partial<Extract<DatabaseView, { kind: 'stopped' }>> = {}): DatabaseView => ({
  kind: 'stopped',
  systemId: 'system',
  cleanly: true,
  wasPrimary: false,
  position: position(2, 150),
  generation: 2,
  leftovers: 0,
  ...over,
});
const starting: DatabaseView = { kind: 'starting', systemId: 'system', progress: 'recovering' };
const silentFor = (forMs: number): DatabaseView => ({
  kind: 'unresponsive',
  systemId: 'system',
  forMs: ms(forMs),
  why: 'no answer',
});
const db = (v: DatabaseView): Partial<Memory> => ({ database: known(v), mayBePrimary: false });
const doing = (task: Task): Partial<Memory> => ({ task: { task, since: instant(0) } });
const failing = (task: Task['kind'], over: object = {}): Partial<Memory> => ({
  trouble: { task, count: 1, at: instant(0), notBefore: instant(500), message: 'it failed', ...over },
});
const handing = (phase: object): Partial<Memory> => ({
  handover: { to: name('b'), intent: 'i1', reason: 'test', startedAt: instant(0), ...phase } as Handover,
});
const moving = {
  phase: 'handing-over',
  final: position(2, 200),
  instance: instance('blife1'),
  until: instant(5_000),
} as const;
const intent = (value: object): Intent =>
  ({ id: 'i1', by: 'operator', at: undefined, outcome: undefined, ...value }) as Intent;
const wished = (value: object, base: ClusterView): ClusterView => ({ ...base, intents: [keyed(intent(value), 25)] });
/** A round in which one member answered. */
const round = (who: string, over: Parameters<typeof answer>[1], at = 0): NonNullable<Memory['peers']> => ({
  at: instant(at),
  answers: new Map([[name(who), known(answer(who, over))]]),
});
/** An answer from before the last right ended. */
const before = round('b', { lookedAgo: 40 }, -20);
const asked: Partial<Memory> = {
  peers: {
    at: instant(0),
    answers: new Map([
      [name('b'), known(answer('b'))],
      [name('c'), known(answer('c'))],
    ]),
  },
};
const alone: Partial<Memory> = {
  peers: { at: instant(0), answers: new Map(['b', 'c'].map((who) => [name(who), unknown('no answer')])) },
};
/** The others run, but their disks are full as well. */
const full: Partial<Memory> = {
  peers: {
    at: instant(0),
    answers: new Map(['b', 'c'].map((who) => [name(who), known(answer(who, { unfit: 'its disk is full' }))])),
  },
};
const aReplica: Partial<Memory> = {
  reign: reign({ generation: 3 }),
  ...db(running({ source: undefined, streaming: false })),
};
const idle = (m: Memory): Memory => ({ ...m, configured: wantedConfiguration(takeSnapshot(m, positions)) });

/** Nobody leads: the last leader said that it is fenced. */
const vacant = view({ leader: undefined, heartbeat: keyed(heartbeat({ released: true }), 20) });
const gone = { revision: rev(20), since: instant(-20_000), ttl: ms(10_000), released: false, paused: false };
const unborn = (by: string): ClusterView['initialize'] =>
  keyed({ systemId: undefined, how: 'created', engine: 'sim', by: name(by), instance: instance(`${by}life1`) }, 2);
const noCluster = { initialize: undefined, leader: undefined, heartbeat: undefined, history: undefined } as const;
const empty: DatabaseView = { kind: 'empty' };
const noRoom = primary({ failing: 'its disk is full', unfit: 'its disk is full' });
const filled = (since: number): Memory['failing'] => ({ since: instant(since), full: true });
const forked = running({ position: { ...position(1, 180) }, generation: 1 });

const situation = (rule: string, memory: Memory, ...wants: readonly string[]): Situation => ({ rule, memory, wants });

export const situations: readonly Situation[] = [
  situation('safety.fence-without-right', leader({ reign: reign({ deadline: instant(1_500) }) }), 'run:fence'),
  situation('safety.fence-without-right', leader({ reign: undefined, view: view() }), 'run:fence'),
  situation(
    'safety.no-guard',
    leader({ guard: { alive: false, term: undefined, deadline: undefined, lostSince: instant(-5_000) } }),
    'run:fence',
  ),
  situation('safety.tell-fenced', follower({ owedFence: term(10) }), 'tell-fenced'),
  situation('store.never-seen', { ...follower(), view: undefined }),
  situation('store.outdated', follower({ decideFrom: rev(99) })),
  situation('store.unreadable', follower({ view: view({ unreadable: new Set(['history']) }) })),
  situation('database.not-observed', follower({ database: unknown('not yet') })),
  situation('member.other-cluster', follower(db(running({ systemId: 'another' })))),
  situation('member.other-cluster', follower(db(stopped({ systemId: 'another' })))),
  situation('member.unusable-data', follower(db({ kind: 'unusable', why: 'another version' }))),
  situation('pause.hands-off', follower({ settings: { ...DEFAULT_SETTINGS, pause: true }, view: vacant })),
  situation('handover.checkpoint', leader(handing({ phase: 'checkpointing' })), 'run:checkpoint'),
  situation('handover.stop', leader(handing({ phase: 'stopping' })), 'run:stop'),
  situation(
    'handover.catch-up',
    leader({
      ...handing({ phase: 'catching-up', final: position(2, 200), until: instant(5_000) }),
      ...db(stopped()),
    }),
    'ask-peers',
  ),
  situation(
    'handover.settle',
    leader({
      ...handing(moving),
      ...db(stopped()),
      reign: reign({ unsettled: true }),
    }),
  ),
  situation(
    'handover.move-key',
    leader({ ...handing(moving), ...db(stopped()), view: wished({ kind: 'switchover' }, ownView()) }),
    'hand-over',
  ),
  situation(
    'handover.failed',
    leader({ ...handing({ phase: 'failed', why: 'too slow' }), ...db(stopped()) }),
    'end-handover',
  ),
  situation(
    'election.promised',
    follower({ view: vacant, ...asked, promise: { term: term(10), since: instant(-1_000), for: ms(10_010) } }),
  ),
  situation('member.busy', follower(doing({ kind: 'start', source: undefined }))),
  situation('leader.stop-hand-over', leader({ stopping: 'full', ...asked }), 'begin-handover'),
  situation('leader.stop-database', leader({ stopping: 'full', ...alone }), 'run:stop'),
  situation('member.stop-database', follower({ stopping: 'full' }), 'run:stop'),
  situation('member.stopped', follower({ stopping: 'full', ...db(stopped()) })),
  situation('leader.disown', follower({ view: ownView(), instance: instance('alife2') }), 'disown'),
  situation('leader.disown', follower({ view: ownView(), toldFenced: term(10) }), 'disown'),
  situation(
    'leader.re-acquire',
    leader({ reign: reign({ keyGone: true }), view: ownView({ leader: undefined }) }),
    'lead:re-acquire',
  ),
  situation('leader.unproven', leader({ reign: reign({ deadline: undefined }), ...db(running()) })),
  situation('leader.unproven', leader({ reign: reign({ unsettled: true }) })),
  situation('leader.give-back', leader(db(empty)), 'release'),
  situation('leader.reap', leader(db(stopped({ leftovers: 2 }))), 'run:fence'),
  situation('leader.fence-promotion', leader({ ...aReplica, promotionPending: true }), 'run:fence'),
  situation('leader.stop-release', leader({ stopping: 'full', ...db(stopped()) }), 'release'),
  situation(
    'leader.crash-ask',
    leader({ ...db(stopped({ cleanly: false })), settings: { ...DEFAULT_SETTINGS, onCrash: 'failover' } }),
    'ask-peers',
  ),
  situation(
    'leader.crash-failover',
    leader({ ...db(stopped({ cleanly: false })), ...asked, settings: { ...DEFAULT_SETTINGS, onCrash: 'failover' } }),
    'release',
  ),
  situation('leader.restart-in-place', leader(db(stopped({ cleanly: false }))), 'run:start'),
  situation('leader.crash-ask', leader({ ...db(stopped()), ...asked, failing: filled(-4_400) }), 'ask-peers'),
  situation('leader.crash-failover', leader({ ...db(stopped()), ...asked, failing: filled(-4_500) }), 'release'),
  situation('leader.restart-in-place', leader({ ...db(stopped()), ...full, failing: filled(-4_500) }), 'run:start'),
  situation('leader.restart-in-place', leader({ ...db(stopped()), ...failing('start') })),
  situation('leader.hung', leader({ database: known(silentFor(11_000)) }), 'run:fence'),
  situation('leader.wait-database', leader({ database: known(silentFor(500)) })),
  situation('leader.wait-database', leader(db(starting))),
  situation('leader.wait-clearance', leader({ ...aReplica, reign: reign({ clearance: 'no', generation: 3 }) })),
  situation('leader.new-term-for-restart', leader({ ...aReplica, reign: reign({ generation: 2 }) }), 'lead:restart'),
  situation(
    'leader.not-eligible',
    leader({
      ...aReplica,
      ...db(running({ position: position(2, 150) })),
      view: ownView({}, { position: position(2, 5_000_000) }),
    }),
    'release',
  ),
  situation('leader.not-eligible', leader({ ...aReplica, ...failing('promote'), ...asked }), 'release'),
  situation('leader.promote-later', leader({ ...aReplica, ...failing('promote'), ...alone })),
  situation('leader.wait-guard', leader({ ...aReplica, guard: { ...leader().guard, term: term(9) } })),
  situation('leader.promote', leader(aReplica), 'run:promote'),
  situation('leader.unproven', leader({ ...aReplica, reign: reign({ generation: 3, deadline: instant(1_900) }) })),
  situation('leader.unexpected-generation', leader(db(primary({ generation: 7 }))), 'run:fence'),
  situation('leader.barrier', leader({ reign: reign({ barrier: false }) }), 'run:barrier'),
  situation(
    'intent.restarted',
    follower({
      carrying: { id: 'i1', began: true },
      view: wished({ kind: 'restart', member: 'a', onlyIfPending: false }, view()),
    }),
    'end-intent:done',
  ),
  situation(
    'intent.reinitialized',
    follower({
      carrying: { id: 'i1', began: true },
      view: wished({ kind: 'reinitialize', member: 'a', fromLeader: false }, view()),
    }),
    'end-intent:done',
  ),
  situation(
    'intent.reinitialize',
    follower({
      view: wished({ kind: 'reinitialize', member: 'a', fromLeader: false }, view()),
      peers: { at: instant(0), answers: new Map([[name('b'), known(answer('b', { role: 'primary' }))]]) },
    }),
    'carry',
    'run:clone',
  ),
  // The only copy left is not thrown away for a leader that is dead but still in etcd (I13).
  situation(
    'intent.reinitialize',
    follower({ view: wished({ kind: 'reinitialize', member: 'a', fromLeader: false }, view()), ...alone }),
  ),
  situation(
    'intent.reinitialize',
    follower({ view: wished({ kind: 'reinitialize', member: 'a', fromLeader: false }, view()) }),
    'ask-peers',
  ),
  situation(
    'intent.reinitialize-leader',
    leader({ view: wished({ kind: 'reinitialize', member: 'a', fromLeader: false }, ownView()) }),
    'end-intent:refused',
  ),
  situation(
    'intent.restart',
    follower({ view: wished({ kind: 'restart', member: 'a', onlyIfPending: false }, view()) }),
    'carry',
    'run:restart',
  ),
  situation(
    'intent.restart',
    follower({ view: wished({ kind: 'restart', member: 'a', onlyIfPending: true }, view()) }),
    'end-intent:done',
  ),
  situation(
    'leader.change-asked',
    leader({ ...asked, view: wished({ kind: 'switchover', from: undefined, to: 'c' }, ownView()) }),
    'begin-handover',
  ),
  situation(
    'leader.change-asked',
    leader({ ...alone, view: wished({ kind: 'switchover', from: undefined, to: undefined }, ownView()) }),
    'end-intent:refused',
  ),
  situation(
    'leader.change-asked',
    leader({ view: wished({ kind: 'failover', to: 'a', allowDataLoss: false }, ownView()) }),
    'end-intent:done',
  ),
  situation('bootstrap.claim', follower({ view: view(noCluster), ...db(empty) }), 'initialize'),
  situation('bootstrap.adopt-data', follower({ view: view(noCluster) }), 'initialize'),
  situation('bootstrap.wait-claim', follower({ view: view(noCluster), ...db(empty), self: watcher() })),
  situation(
    'bootstrap.create',
    follower({ view: view({ ...noCluster, initialize: unborn('a') }), ...db(empty) }),
    'run:initialize',
  ),
  situation('bootstrap.publish', follower({ view: view({ ...noCluster, initialize: unborn('a') }) }), 'initialize'),
  situation(
    'bootstrap.take-claim',
    follower({ view: abandoned(), ...db(empty), leaderlessSince: instant(-11_000) }),
    'initialize',
  ),
  situation(
    'bootstrap.take-claim',
    follower({
      view: abandoned(),
      ...db(stopped({ systemId: 'another', pristine: true })),
      leaderlessSince: instant(-11_000),
    }),
    'initialize',
  ),
  situation(
    'bootstrap.wait-creator',
    follower({
      view: abandoned(),
      ...db(empty),
      leaderlessSince: instant(-11_000),
      self: watcher(),
    }),
  ),
  situation(
    'bootstrap.wait-creator',
    follower({
      view: abandoned(),
      ...db(stopped({ systemId: 'another' })),
      leaderlessSince: instant(-11_000),
    }),
  ),
  situation(
    'bootstrap.wait-creator',
    follower({ view: view({ ...noCluster, initialize: unborn('b') }), ...db(empty) }),
  ),
  situation('member.reap', follower(db(stopped({ leftovers: 1 }))), 'run:fence'),
  situation('member.hung', follower(db(silentFor(21_000))), 'run:fence'),
  situation('member.wait-database', follower(db(starting))),
  situation('member.clone', follower(db(empty)), 'run:clone'),
  situation('member.clone', follower(db(stopped({ systemId: 'another', pristine: true }))), 'run:clone'),
  situation('member.wait-donor', follower({ ...db(empty), view: view({ leader: undefined }) })),
  situation('member.rejoin-stopped', follower(db(stopped())), 'run:start'),
  situation('member.rejoin-stopped', follower(db(stopped({ pristine: true }))), 'run:start'),
  situation('member.rejoin-stopped', follower(db(stopped({ position: position(1, 180) }))), 'run:rewind'),
  situation('member.start', follower({ ...db(stopped()), view: vacant }), 'run:start'),
  situation(
    'member.log-missing',
    follower(db(running({ streaming: false, missingLog: 'a has removed it' }))),
    'ask-peers',
  ),
  situation('member.rejoin', follower(db(running({ source: undefined, streaming: false }))), 'run:follow'),
  situation('member.rejoin', follower(db(forked)), 'run:stop'),
  situation('election.prepare', follower({ silence: { ...gone, since: instant(-9_500) } }), 'ask-peers'),
  situation('election.cannot-stand', follower({ view: { ...vacant, members: new Map() } }), 'ask-peers'),
  situation('election.stand-aside', follower({ view: vacant, standAsideUntil: instant(3_000) })),
  situation('election.wait-silence', follower({ view: view({ leader: undefined }) })),
  situation('election.ask', follower({ view: vacant }), 'ask-peers'),
  situation(
    'election.live-primary',
    follower({ view: vacant, peers: round('b', { role: 'primary', holdsRight: true }) }),
  ),
  situation('election.last-look', follower({ view: vacant, vacantSince: instant(-50), peers: before }), 'ask-peers'),
  situation(
    'election.give-way',
    follower({
      view: vacant,
      vacantSince: instant(-100),
      peers: round('c', { position: position(2, 170), lookedAgo: 20 }),
    }),
  ),
  situation('election.stand', follower({ view: vacant, ...asked }), 'lead:acquire'),
  situation('election.stand', follower({ silence: gone, ...asked }), 'lead:take-over'),
  situation('member.configure', follower(), 'run:configure'),
  situation(
    'leader.make-rewindable',
    idle(leader({ database: known(primary({ rewindable: false })) })),
    'run:checkpoint',
  ),
  situation('member.slots', idle(follower({ slotsKeptAt: undefined })), 'run:keep-slots'),
  situation(
    'leader.forget-intents',
    idle(
      leader({
        wall: 1e9,
        view: wished(
          { kind: 'restart', member: 'b', onlyIfPending: false, outcome: { kind: 'done', reason: '', at: 0 } },
          ownView(),
        ),
      }),
    ),
    'forget',
  ),
  situation('leader.failing-ask', leader({ ...db(noRoom), failing: filled(-9_000) }), 'ask-peers'),
  situation('leader.failing-ask', leader({ ...asked, ...db(noRoom), failing: filled(-4_400) }), 'ask-peers'),
  situation('leader.failing-hand-over', leader({ ...asked, ...db(noRoom), failing: filled(-4_500) }), 'begin-handover'),
  situation('leader.failing-fence', leader({ ...asked, ...db(primary({ failing: 'no answer' })) }), 'run:fence'),
  situation('leader.failing-alone', idle(leader({ ...full, ...db(primary({ failing: 'its disk is full' })) }))),
  situation('leader.steady', idle(leader())),
  situation('member.following', idle(follower())),
  situation(
    'member.nothing-to-do',
    idle(leader({ ...handing({ phase: 'checkpointing' }), reign: undefined, mayBePrimary: false })),
  ),
];

/** Its claimant is gone. */
function abandoned(): ClusterView {
  return view({ ...noCluster, initialize: unborn('b'), members: new Map() });
}

/** A member that must never lead. */
function watcher(): Memory['self'] {
  const { self } = follower();
  return { ...self, tags: { ...self.tags, nofailover: true } };
}
