import type { CandidateReport } from '../candidates.ts';
import { termOf } from '../brand.ts';
import { elapsedAtLeast } from '../instant.ts';
import { mayPromote } from '../reign.ts';
import { demandRules, keptByOthers, leaveRules, prepareRules } from './durability.ts';
import { backingOff, failuresOf, ownRank, ranking, type Snapshot } from '../snapshot.ts';
import { downFor } from './safety.ts';
import { explain, peersFresh } from './handover-rules.ts';
import { act, run, wait, type Action, type Rule } from './rule.ts';

const leads = (s: Snapshot): boolean => s.m.reign !== undefined;

/** Another member that could lead now, best first; what the peers said must be fresh enough to act on. */
export const bestOther = (s: Snapshot): CandidateReport | undefined =>
  ranking(s).find((r) => r.eligible && r.name !== s.m.self.name);

/**
 * How long until every member has noticed that its own disk is full, in milliseconds: it looks at its disk with each look at
 * its database, every two seconds at rest, and the next look tells what was found.
 */
const NOTICED = 4_500;

/** A full disk may be everybody's lot: the others' answers count from when they must have noticed theirs. */
export const othersNoticed = ({ m }: Snapshot): boolean =>
  m.failing?.full !== true || (m.peers !== undefined && elapsedAtLeast(m.failing.since, m.peers.at) >= NOTICED);

/** A crashed database stays down too long, or must not be restarted in place: another member should lead. */
const shouldFailOver = (s: Snapshot): boolean => {
  const { onCrash, crashRestartTimeout } = s.m.settings;
  if (s.m.carrying !== undefined) return false;
  if (onCrash === 'restart') return false;
  return (
    onCrash === 'failover' ||
    s.m.failing !== undefined ||
    (onCrash === 'auto' && keptByOthers(s)) ||
    promotionFailed(s) ||
    downFor(s.m) > crashRestartTimeout ||
    failuresOf(s, 'start') >= 3
  );
};

/** Why a leader that should fail over does not: said wherever it waits instead, so that nobody has to guess. */
export const notFailingOver = (s: Snapshot): readonly string[] =>
  shouldFailOver(s) && bestOther(s) === undefined
    ? [`not failing over because ${explain(ranking(s).filter((r) => r.name !== s.m.self.name))}`]
    : [];
/** A promotion of this very leadership failed. */
const promotionFailed = (s: Snapshot): boolean =>
  s.m.trouble?.task === 'promote' && s.m.reign !== undefined && elapsedAtLeast(s.m.reign.since, s.m.trouble.at) >= 0;

/** Reasons of the ranking that stop a member even after it took the key (rule D17). */
const blockers = (s: Snapshot): readonly string[] => {
  const how = s.view?.history?.value.how;
  if (how === 'restart' || how === 'hand-over' || how === 're-acquire' || how === 'bootstrap') return [];
  const forced =
    s.m.reign?.clearance === 'quorum' ||
    s.view?.intents.some(
      ({ value }) =>
        value.kind === 'failover' && value.to === s.m.self.name && value.outcome === undefined && value.allowDataLoss,
    ) === true;
  return (ownRank(s, forced)?.reasons ?? []).filter((r) => r.blocks && r.code !== 'is-leader').map((r) => r.text);
};

/** A member that holds the leader key: from proving it to a primary that is open for clients, and out again. */
export const leaderRules: readonly Rule[] = [
  {
    id: 'leader.disown',
    why: 'the leader key names an earlier life of this member’s data, or a term that it said to be fenced in: give it back (D6, D12)',
    when: (s) =>
      !leads(s) &&
      s.view?.leader?.value === s.m.self.name &&
      s.view.history?.modRevision === s.view.leader.modRevision &&
      (s.view.history.value.instance !== s.m.instance ||
        s.m.toldFenced === termOf(s.view.leader.modRevision) ||
        s.view.fenced.has(termOf(s.view.leader.modRevision))),
    then: (s) =>
      act(
        'then follow the next leader',
        [{ do: 'disown' }],
        [
          s.view?.history?.value.instance === s.m.instance
            ? 'it said that it is fenced in this term'
            : `the key is of ${s.view?.history?.value.instance}, the data is ${s.m.instance}`,
        ],
      ),
  },
  {
    id: 'leader.re-acquire',
    why: 'the leader key is gone while the database is primary and nobody led since: take it again under a new term (D13)',
    when: (s) =>
      s.m.reign?.keyGone === true &&
      s.view?.leader === undefined &&
      s.view?.heartbeat?.modRevision === s.m.reign.heartbeatRevision &&
      s.running?.role === 'primary' &&
      s.m.reign.clearance !== 'no' &&
      !s.m.reign.pausePublished &&
      !s.m.reign.resuming,
    then: (s) =>
      act(
        'then prove the new term by a heartbeat',
        [{ do: 'lead', how: 're-acquire', reason: 'the leader key vanished' }],
        [`the leader key of term ${s.m.reign?.term} is gone, the heartbeat is still ours`],
      ),
  },
  {
    id: 'leader.unproven',
    why: 'no database becomes primary before a heartbeat committed by this process in this term (D4), nor while a hand-over or release may still happen (D2)',
    when: (s) =>
      leads(s) &&
      (s.m.reign?.deadline === undefined ||
        s.m.reign.unsettled ||
        s.m.reign.keyGone ||
        s.rightLeft <= s.m.settings.timing.fenceBudget),
    then: (s) =>
      wait(
        'go on as soon as the heartbeat is known to be written',
        [`term ${s.m.reign?.term} is not proven by this process yet`],
        200,
      ),
  },
  {
    id: 'leader.give-back',
    why: 'a leader without usable data gives the key back, fenced',
    when: (s) => leads(s) && (s.db?.kind === 'empty' || s.db?.kind === 'incomplete'),
    then: () =>
      act('then rejoin from the next leader', [{ do: 'release', reason: 'this member has no data', standAside: true }]),
  },
  {
    id: 'leader.reap',
    why: 'processes of a dead server are still there: nothing is started or released before they are gone (I11)',
    when: (s) => leads(s) && s.db?.kind === 'stopped' && s.db.leftovers > 0,
    then: (s) =>
      run({ kind: 'fence', reason: 'the server died, but processes of it remain' }, 'then restart or release', [
        `${s.db?.kind === 'stopped' ? s.db.leftovers : 0} processes remain`,
      ]),
  },
  {
    id: 'leader.fence-promotion',
    why: 'a promotion that failed may still come: the server is ended before anything else is decided (D6, I11)',
    when: (s) => leads(s) && s.m.promotionPending && s.running?.role === 'replica',
    then: () => run({ kind: 'fence', reason: 'a promotion did not end' }, 'then start again or release'),
  },
  {
    id: 'leader.stop-release',
    why: 'the agent is to stop with its database, which is stopped: give the key back',
    when: (s) => leads(s) && s.m.stopping === 'full' && s.db?.kind === 'stopped' && s.m.handover === undefined,
    then: () => act('then end', [{ do: 'release', reason: 'planned stop', standAside: true }]),
  },
  {
    id: 'leader.crash-ask',
    quiet: true,
    why: 'the database is down and another member should lead: ask who can, since a fault may follow the leader anywhere',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.db?.kind === 'stopped' &&
      shouldFailOver(s) &&
      !(peersFresh(s) && othersNoticed(s)),
    then: () => act('release the key if another member can lead', [{ do: 'ask-peers' }], [], 100),
  },
  {
    id: 'leader.crash-failover',
    why: 'the database is down and is not coming back in place: release the key, so that another member leads at once',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.db?.kind === 'stopped' &&
      shouldFailOver(s) &&
      bestOther(s) !== undefined,
    then: (s) =>
      act(
        'then rejoin as a replica',
        [{ do: 'release', reason: 'the database crashed', standAside: true }],
        [
          `down for ${Math.round(downFor(s.m))} ms, on_crash is ${s.m.settings.onCrash}`,
          `${bestOther(s)?.name} can lead`,
        ],
      ),
  },
  {
    id: 'leader.restart-in-place',
    why: 'the leader’s database is down: start it again as a replica, which loses nothing; it is promoted under a new term',
    when: (s) => leads(s) && s.m.handover === undefined && s.db?.kind === 'stopped',
    then: (s) =>
      backingOff(s, 'start')
        ? wait('try to start again', [s.m.trouble?.message ?? '', ...notFailingOver(s)], 500)
        : run({ kind: 'start', source: undefined }, 'then promote under a new term', [
            `down for ${Math.round(downFor(s.m))} ms`,
            ...notFailingOver(s),
          ]),
  },
  {
    id: 'leader.hung',
    why: 'the leader’s database has not answered, or not finished starting, for too long: fence it',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      ((s.db?.kind === 'unresponsive' && s.db.forMs > s.m.settings.timing.ttl) ||
        (s.db?.kind === 'starting' &&
          downFor(s.m) > s.m.settings.crashRestartTimeout &&
          s.m.settings.onCrash !== 'restart')),
    then: (s) =>
      run({ kind: 'fence', reason: 'the database does not answer' }, 'then restart in place or fail over', [
        s.db?.kind === 'unresponsive'
          ? `no answer for ${s.db.forMs} ms: ${s.db.why}`
          : `starting for ${Math.round(downFor(s.m))} ms`,
      ]),
  },
  {
    id: 'leader.wait-database',
    why: 'the leader’s database is starting or does not answer at the moment',
    when: (s) => leads(s) && s.m.handover === undefined && (s.db?.kind === 'starting' || s.db?.kind === 'unresponsive'),
    then: (s) =>
      wait(
        'go on when it answers',
        [s.db?.kind === 'starting' ? s.db.progress : s.db?.kind === 'unresponsive' ? s.db.why : ''],
        200,
      ),
  },
  {
    id: 'leader.wait-clearance',
    why: 'the predecessor’s right has not surely ended: only a cleared holder may promote (D5)',
    when: (s) => leads(s) && s.m.reign?.clearance === 'no',
    then: (s) => {
      const silence = s.m.reign?.silence;
      const left = silence === undefined ? 0 : silence.for - elapsedAtLeast(silence.since, s.m.now);
      return wait(
        'promote when the silence is complete',
        [`${Math.round(left)} ms of silence left`],
        Math.max(10, left),
      );
    },
  },
  {
    id: 'leader.new-term-for-restart',
    why: 'the database was primary in this term already: each promotion gets a term and a log generation of its own (I6)',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.running?.role === 'replica' &&
      s.running.generation >= (s.m.reign?.generation ?? 0),
    then: (s) =>
      act(
        'then promote',
        [{ do: 'lead', how: 'restart', reason: 'the database was restarted in place' }],
        [`generation ${s.running?.generation} is used, ${s.m.reign?.generation} was reserved`],
      ),
  },
  {
    id: 'leader.not-eligible',
    why: 'eligibility is checked again after the key is held (D17): this member should not lead after all',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.running?.role === 'replica' &&
      (blockers(s).length > 0 || (promotionFailed(s) && bestOther(s) !== undefined)),
    then: (s) =>
      act(
        'another member can stand',
        [{ do: 'release', reason: 'not eligible after all', standAside: true }],
        [...blockers(s), ...(promotionFailed(s) ? [`promotion failed: ${s.m.trouble?.message ?? ''}`] : [])],
      ),
  },
  {
    id: 'leader.promote-later',
    why: 'the promotion failed and nobody else can lead: it is tried again after a while',
    when: (s) => leads(s) && s.m.handover === undefined && s.running?.role === 'replica' && backingOff(s, 'promote'),
    then: (s) => wait('try to promote again', [s.m.trouble?.message ?? ''], 200),
  },
  {
    id: 'leader.wait-guard',
    why: 'the guard is armed with this term’s deadline before anything may become primary (D4, A15)',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.running?.role === 'replica' &&
      (!s.m.guard.alive || s.m.guard.term !== s.m.reign?.term),
    then: (s) =>
      wait(
        'promote when the guard has acknowledged',
        [s.m.guard.alive ? 'the guard has not acknowledged yet' : 'the guard is not running'],
        100,
      ),
  },
  ...prepareRules,
  {
    id: 'leader.promote',
    why: 'this member holds the key, is cleared and proven, and its guard is armed: make the database primary',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.running?.role === 'replica' &&
      s.m.reign !== undefined &&
      mayPromote(s.m.reign, s.m.now, s.m.settings.timing.fenceBudget),
    then: (s) => {
      const { reign } = s.m;
      if (reign === undefined) return wait('');
      const task = { kind: 'promote', term: reign.term, generation: reign.generation } as const;
      return run(task, 'then a barrier commit, then open for clients', [
        `term ${reign.term}, cleared by ${reign.clearance}, generation ${reign.generation}`,
      ]);
    },
  },
  {
    id: 'leader.unexpected-generation',
    why: 'the database is primary with a log generation that this term did not reserve: somebody promoted it by hand',
    when: (s) => leads(s) && s.running?.role === 'primary' && s.running.generation !== s.m.reign?.generation,
    then: (s) =>
      run({ kind: 'fence', reason: 'promoted by hand' }, 'then promote under a new term', [
        `generation ${s.running?.generation}, reserved ${s.m.reign?.generation}`,
      ]),
  },
];

/** From a primary to one that is open for clients. */
export const openingRules: readonly Rule[] = [
  ...demandRules,
  {
    id: 'leader.barrier',
    why: 'after any start as primary a commit must be acknowledged under the settings in force before clients are let in (D16)',
    when: (s) =>
      leads(s) && s.running?.role === 'primary' && s.m.handover === undefined && s.m.reign?.barrier === false,
    then: (s) =>
      s.m.reign === undefined || backingOff(s, 'barrier')
        ? wait('try the barrier again', [s.m.trouble?.message ?? ''], 200)
        : run({ kind: 'barrier', term: s.m.reign.term }, 'then open for clients'),
  },
];

/** What the leader says of a planned stop: hand over where somebody can take over, else stop and release. */
export const stoppingRules: readonly Rule[] = [
  {
    id: 'leader.stop-hand-over',
    why: 'the agent is to stop with its database: hand over to the best candidate first',
    when: (s) =>
      leads(s) &&
      s.m.stopping === 'full' &&
      s.m.handover === undefined &&
      s.running?.role === 'primary' &&
      bestOther(s) !== undefined,
    then: (s) => {
      const to = bestOther(s)?.name;
      const actions: readonly Action[] =
        to === undefined ? [] : [{ do: 'begin-handover', to, intent: undefined, reason: 'planned stop' }];
      return act('then stop', actions);
    },
  },
  {
    id: 'leader.stop-database',
    why: 'the agent is to stop with its database, and nobody can take over',
    when: (s) => leads(s) && s.m.stopping === 'full' && s.m.handover === undefined && s.running !== undefined,
    then: () => run({ kind: 'stop', reason: 'planned stop' }, 'then release the key'),
  },
  ...leaveRules,
  {
    id: 'member.stop-database',
    why: 'the agent is to stop with its database',
    when: (s) => s.m.stopping === 'full' && s.m.reign === undefined && s.running !== undefined,
    then: () => run({ kind: 'stop', reason: 'planned stop' }, 'then end'),
  },
  {
    id: 'member.stopped',
    why: 'the agent is to stop with its database, and that is done',
    when: (s) => s.m.stopping === 'full' && s.m.reign === undefined,
    then: () => wait('end'),
  },
];
