import { ms, NEVER } from './brand.ts';
import { after, elapsedAtLeast, elapsedAtMost, remaining, type Instant } from './instant.ts';
import type { Acknowledgement } from './database.ts';
import { beginHandover } from './handover.ts';
import { inFlight, leadershipInFlight, send } from './flights.ts';
import type { Effect, Memory, Task } from './memory.ts';
import { surelyNoPrimary } from './primary.ts';
import { published, selfVoter } from './quorum/durability.ts';
import { LATE_LOOK } from './quorum/open.ts';
import { binds, newestTerm, ownEntry, withEntry } from './quorum/promise.ts';
import { NOBODY, voterName } from './quorum/sets.ts';
import { firstDemand } from './quorum/voters.ts';
import type {
  ClusterView,
  HistoryEntry,
  Initialize,
  Intent,
  IntentOutcome,
  Keyed,
  MemberRecord,
  SyncEntry,
} from './model.ts';
import {
  nextGeneration,
  proposeDisown,
  proposeFenced,
  proposeForget,
  proposeGiveBack,
  proposeHandOver,
  proposeInitialize,
  proposeLead,
  proposeOutcome,
  proposePledge,
  proposePublish,
  proposeRelease,
} from './proposals.ts';
import { lossOf } from './loss.ts';
import { HEARD_WITHIN, type Clearance } from './reign.ts';
import { closedAfter } from './timing.ts';
import type { Action } from './rules/rule.ts';
import { heartbeatTerm, standingPosition, takeSnapshot } from './snapshot.ts';
import type { Position, PositionAlgebra } from './position.ts';

/** Turns what a rule wants into effects, once: what is under way already is not begun again. */

type Result = readonly [Memory, readonly Effect[]];
const nothing = (m: Memory): Result => [m, []];

/** How long a member that gave the key back, or failed to promote, lets others go first. */
const STAND_ASIDE = ms(5_000);

export const carryOut = (m: Memory, action: Action, positions: PositionAlgebra): Result => {
  switch (action.do) {
    case 'run':
      return runTask(m, action.task);
    case 'lead':
      return lead(m, action, positions);
    case 'publish':
      return publish(m, action.entries);
    case 'pledge':
      return pledge(m, action.position);
    case 'disown':
      return disown(m);
    case 'release':
      return release(m, action);
    case 'begin-handover':
      return [{ ...m, handover: beginHandover(action.to, action.intent, action.reason, m.now) }, []];
    case 'hand-over':
      return handOver(m);
    case 'end-handover':
      return endHandover(m, action.outcome, action.reason);
    case 'ask-peers':
      return askPeers(m);
    case 'initialize':
      return initialize(m, action.value);
    case 'tell-fenced':
      return tellFenced(m);
    case 'carry':
      return [{ ...m, carrying: { id: action.intent.value.id, began: true } }, []];
    case 'end-intent':
      return endIntent(m, action.intent, action.outcome, action.reason);
    case 'forget':
      return inFlight(m, 'housekeeping')
        ? nothing(m)
        : send(m, { kind: 'housekeeping' }, proposeForget(action.intent.value.id, action.intent.modRevision));
    default:
      return action satisfies never;
  }
};

/** Answers can come at once (nobody to ask): without a pause between the rounds nothing else would get its turn. */
const ASK_GAP = 20;

const askPeers = (m: Memory): Result =>
  m.asking || (m.peers !== undefined && elapsedAtMost(m.peers.at, m.now) < ASK_GAP)
    ? nothing(m)
    : [{ ...m, asking: true }, [{ kind: 'ask-peers' }]];

/** What can be ended at any moment, and done later. */
const UPKEEP: readonly Task['kind'][] = ['configure', 'keep-slots'];

/** Tasks after which the database may receive from a source. */
const RECEIVES: readonly Task['kind'][] = ['clone', 'rewind', 'start', 'restart', 'follow'];

/** What waits for something that a change of the demand, or the end of receiving, may be the answer to. */
const YIELDING: readonly Task['kind'][] = ['barrier', 'checkpoint', 'follow'];

const takesPlace = (task: Task, of: Task): boolean => {
  if (task.kind === 'fence') return of.kind !== 'fence';
  if (UPKEEP.includes(of.kind)) return !UPKEEP.includes(task.kind);
  return (task.kind === 'acknowledge' || task.kind === 'stop-receiving') && YIELDING.includes(of.kind);
};

/**
 * One task at a time; a fence takes the place of any other, a change of what is acknowledged or received that of whatever may
 * wait for it, and all of them that of upkeep (the shell ends and reaps what was there).
 */
const runTask = (m: Memory, task: Task): Result => {
  if (m.task !== undefined && !takesPlace(task, m.task.task)) return nothing(m);
  const mayBePrimary = m.mayBePrimary || task.kind === 'promote';
  // What was received up to the end of receiving is the end no more once receiving can begin again (rule D11).
  const receives = RECEIVES.includes(task.kind);
  const pledging = receives ? { ...m.pledging, stopped: undefined } : m.pledging;
  const demand = receives ? { ...m.demand, prepared: undefined } : m.demand;
  // Nobody hears how a configuration ends whose place was taken: it is made again.
  const configured = m.task?.task.kind === 'configure' ? undefined : m.configured;
  return [{ ...m, task: { task, since: m.now }, mayBePrimary, pledging, demand, configured }, [{ kind: 'run', task }]];
};

const lead = (m: Memory, action: Extract<Action, { do: 'lead' }>, positions: PositionAlgebra): Result => {
  if (m.view === undefined || leadershipInFlight(m)) return nothing(m);
  const db = m.database.kind === 'known' && m.database.value.kind === 'running' ? m.database.value : undefined;
  const clearance = action.clears === true ? 'quorum' : clearanceFor(m, action.how, positions);
  // A predecessor that is fenced says 200 to nobody.
  const openFrom = openingFor(m, clearance, positions);
  const generation =
    action.how === 're-acquire' ? (m.reign?.generation ?? 0) : nextGeneration(m.view, db?.generation ?? 0);
  const ttl = ms(Math.max(m.settings.timing.ttl, m.view.heartbeat?.value.ttl ?? 0));
  const over = m.view.heartbeat?.modRevision ?? NEVER;
  // Tried again after an answer that was lost: whichever of the two happened, it is known again by this moment.
  const time = m.unsettledLead === over && m.lastLead?.generation === generation ? m.lastLead.at : m.time;
  const position = standingPosition(takeSnapshot(m, positions)) ?? db?.position;
  const transaction = proposeLead({
    view: m.view,
    memory: { ...m, time },
    how: action.how,
    loss: lossOf(
      {
        how: action.how,
        pledged: (action.pledges ?? []).length > 0,
        released: clearance === 'released',
        last: m.view.heartbeat?.value.position,
        own: db?.position,
      },
      positions,
    ),
    generation,
    ttl,
    reason: action.reason,
    from: m.view.heartbeat?.value.position ?? db?.position,
    position,
    entries: entriesFor(m, action),
    pledges: action.pledges ?? [],
  });
  if (transaction === undefined) return nothing(m);
  const led: Memory = {
    ...m,
    lastLead: { at: time, generation, clearance, openFrom, position },
    unsettledLead: over,
  };
  return send(
    led,
    { kind: 'lead', how: action.how, generation, clearance, openFrom, ttl, reason: action.reason },
    transaction,
  );
};

/** The same leadership under another term opens no earlier. */
const openingFor = (m: Memory, clearance: Clearance, positions: PositionAlgebra): Instant | undefined => {
  if (clearance === 'own') return m.reign?.openFrom;
  return clearance === 'quorum' && !takeSnapshot(m, positions).released ? closedUntil(m) : undefined;
};

/**
 * From when on the predecessor, should it live, says 503 by itself (rule D16): it knows by its heartbeat that it is late, and it
 * has heard nothing of the voters that pledged.
 */
const closedUntil = (m: Memory): Instant => {
  const unheard = after(m.now, ms(HEARD_WITHIN + 2 * LATE_LOOK));
  if (m.silence === undefined) return unheard;
  const late = after(m.silence.since, closedAfter(m.silence.ttl));
  return elapsedAtLeast(late, unheard) > 0 ? unheard : late;
};

/** What clears the new term (rule D5): it is judged from what the transaction compares, so nothing newer can have come. */
const clearanceFor = (m: Memory, how: string, positions: PositionAlgebra): Clearance => {
  if (m.reign !== undefined && (how === 're-acquire' || how === 'restart'))
    return m.reign.clearance === 'no' ? 'no' : 'own';
  const s = takeSnapshot(m, positions);
  if (m.view?.heartbeat === undefined && s.released) return 'first';
  if (s.released) return 'released';
  return s.silenceLeft === 0 ? 'silence' : 'no';
};

/**
 * What the list in `sync` becomes with the new term (rule D3). A leader that goes on keeps its promise; a new one promises its
 * own, besides the older ones, which stand until a barrier (A4). Where the loss was accepted, only its own stands.
 */
const entriesFor = (m: Memory, action: Extract<Action, { do: 'lead' }>): readonly SyncEntry[] | undefined => {
  if (m.view === undefined) return undefined;
  const goesOn = action.how === 're-acquire' || action.how === 'restart';
  const kept = goesOn ? ownEntry(m.view, selfVoter(m)) : undefined;
  const present = new Set([...(action.pledges ?? [])].map(({ value }) => voterName(value.member, value.instance)));
  const demand = kept ?? newPromise(m, m.view, action.how, present);
  if (demand === undefined) return undefined;
  const entry: SyncEntry = { term: undefined, leader: selfVoter(m), voters: demand.voters, acks: demand.acks };
  // What was promised is void, and with it what protected the log: its own promise comes with the barrier (D8).
  return action.overrides === true ? [{ ...entry, ...NOBODY }] : withEntry(m.view, entry);
};

/**
 * What a term promises that has promised nothing yet. A database that is primary all the while (D13) demands nothing so far: more is
 * promised only when it demands more (I8).
 */
const newPromise = (
  m: Memory,
  view: ClusterView,
  how: HistoryEntry['how'],
  present: ReadonlySet<string>,
): Acknowledgement | undefined => {
  if (how !== 're-acquire') return firstDemand(view, m.settings, m.self.name, present);
  return binds(view) ? NOBODY : undefined;
};

const publish = (m: Memory, entries: readonly SyncEntry[]): Result => {
  if (m.view === undefined || m.reign === undefined || inFlight(m, 'publish') || leadershipMoves(m)) return nothing(m);
  const { term } = m.reign;
  const sent: Memory = { ...m, demand: { ...m.demand, unsettled: true } };
  return send(sent, { kind: 'publish', term }, proposePublish(term, m.view, entries));
};

/** The key is being given away, or written anew: nothing else is promised meanwhile. */
const leadershipMoves = (m: Memory): boolean =>
  m.flights.some(({ purpose }) => ['lead', 'release', 'give-back', 'hand-over'].includes(purpose.kind));

const pledge = (m: Memory, position: Position | undefined): Result => {
  const term = m.view === undefined ? undefined : newestTerm(m.view);
  if (m.view === undefined || inFlight(m, 'pledge')) return nothing(m);
  const pledged = position === undefined ? undefined : term;
  const sent: Memory = { ...m, pledging: { ...m.pledging, unsettled: true } };
  return send(
    sent,
    { kind: 'pledge', term: pledged },
    proposePledge({ member: m.self.name, instance: m.instance, term: pledged, position }, m.view),
  );
};

/** Only the key: nothing is said of a fence, because nobody here can know what became of the earlier data. */
const disown = (m: Memory): Result =>
  m.view?.leader === undefined || inFlight(m, 'housekeeping')
    ? nothing(m)
    : send(m, { kind: 'housekeeping' }, proposeDisown(m.view.leader.modRevision));

const release = (m: Memory, action: Extract<Action, { do: 'release' }>): Result => {
  // Fenced before released (rule D6, I11).
  if (m.reign === undefined || !surelyNoPrimary(m) || leadershipInFlight(m)) return nothing(m);
  const next: Memory = { ...m, standAsideUntil: action.standAside ? after(m.now, STAND_ASIDE) : m.standAsideUntil };
  if (m.reign.clearance === 'no')
    return send(next, { kind: 'give-back', term: m.reign.term }, proposeGiveBack(m.reign));
  return send(next, { kind: 'release', term: m.reign.term }, proposeRelease(m.reign, m, finalPosition(m)));
};

/** The end of the log where a clean stop told it, else what the last heartbeat said. */
const finalPosition = (m: Memory): Position | undefined => {
  const db = m.database.kind === 'known' ? m.database.value : undefined;
  return (db?.kind === 'stopped' && db.cleanly ? db.position : undefined) ?? m.view?.heartbeat?.value.position;
};

const handOver = (m: Memory): Result => {
  const { reign, view, handover } = m;
  if (reign === undefined || view === undefined || handover?.phase !== 'handing-over' || leadershipInFlight(m))
    return nothing(m);
  if (inFlight(m, 'publish')) return nothing(m);
  const to = view.members.get(handover.to);
  const intent = view.intents.find(
    (k): k is Keyed<Extract<Intent, { kind: 'switchover' | 'failover' }>> =>
      k.value.id === handover.intent && (k.value.kind === 'switchover' || k.value.kind === 'failover'),
  );
  const fail = (why: string): Result => [{ ...m, handover: { ...handover, phase: 'failed', why } }, []];
  if (to === undefined || reign.clearance === 'no') return fail(`${handover.to} is gone`);
  if (to.value.instance !== handover.instance) return fail(`the data of ${handover.to} was replaced meanwhile`);
  if (handover.intent !== undefined && intent?.value.outcome !== undefined) return fail('it was ended meanwhile');
  if (handover.intent !== undefined && intent === undefined) return fail('it was withdrawn');
  if (remaining(handover.until, m.now) <= 0) return fail(`what is known of ${handover.to} kept changing`);
  const transaction = proposeHandOver({
    reign,
    view,
    memory: m,
    to,
    position: handover.final,
    intent: intent?.value,
    intentRevision: intent?.modRevision ?? reign.heartbeatRevision,
    reason: handover.reason,
    entries: successorEntries(m, to.value),
  });
  return send(m, { kind: 'hand-over', term: reign.term, to: handover.to, intent: handover.intent ?? '' }, transaction);
};

/** The new leader's voters: this member, which will follow it, and the others that follow now. */
const successorEntries = (m: Memory, to: MemberRecord): readonly SyncEntry[] | undefined => {
  if (m.view === undefined) return undefined;
  const records = [...m.view.members.values()].map(({ value }) => voterName(value.name, value.instance));
  const streaming = [...m.view.members.values()].map(({ value }) => value).filter(({ state }) => state === 'streaming');
  // The stream of a voter has just ended, because this database was stopped.
  const voters = published(m).voters.filter((voter) => records.includes(voter));
  const present = new Set([selfVoter(m), ...voters, ...streaming.map((r) => voterName(r.name, r.instance))]);
  const demand = firstDemand(m.view, m.settings, to.name, present);
  if (demand === undefined) return undefined;
  return withEntry(m.view, { term: undefined, leader: voterName(to.name, to.instance), ...demand });
};

const endHandover = (m: Memory, outcome: IntentOutcome['kind'], reason: string): Result => {
  const intent = m.view?.intents.find(({ value }) => value.id === m.handover?.intent);
  const next: Memory = { ...m, handover: undefined };
  const tell: Effect = {
    kind: 'tell',
    level: 'warn',
    event: 'handover.failed',
    message: `hand-over to ${m.handover?.to} failed: ${reason}`,
  };
  if (intent === undefined) return [next, [tell]];
  const [sent, effects] = endIntent(next, intent, outcome, reason);
  return [sent, [tell, ...effects]];
};

const initialize = (m: Memory, value: Initialize): Result =>
  m.view === undefined || inFlight(m, 'initialize')
    ? nothing(m)
    : send(m, { kind: 'initialize' }, proposeInitialize(value, m.view, m));

const tellFenced = (m: Memory): Result => {
  if (m.owedFence === undefined || inFlight(m, 'fenced')) return nothing(m);
  // Nobody waits for the silence of a term that is not the newest any more.
  if (m.view !== undefined && heartbeatTerm(m.view) !== m.owedFence) return [{ ...m, owedFence: undefined }, []];
  const told: Memory = { ...m, toldFenced: m.owedFence };
  return send(told, { kind: 'fenced', term: m.owedFence }, proposeFenced(m.owedFence, m.self.name, m.lease));
};

const endIntent = (m: Memory, intent: Keyed<Intent>, kind: IntentOutcome['kind'], reason: string): Result => {
  if (m.flights.some((f) => f.purpose.kind === 'intent' && f.purpose.id === intent.value.id)) return nothing(m);
  const transaction = proposeOutcome(intent.value, intent.modRevision, { kind, reason, at: m.wall });
  return send(m, { kind: 'intent', id: intent.value.id }, transaction);
};
