import { ms, termOf, type Revision, type Term } from './brand.ts';
import { completeRound } from './asking.ts';
import type { DatabaseView } from './database.ts';
import { failsafeSettled, promisesCame } from './failsafe.ts';
import { stepHandover, type HandoverEvent } from './handover.ts';
import { after, type Instant } from './instant.ts';
import { givenAway, heartbeatSettled, leadSettled, loseReign } from './keeper.ts';
import type { Known } from './known.ts';
import type { Effect, Event, Failing, Flight, Memory, Settled, Task, TaskResult, Trouble } from './memory.ts';
import type { ClusterView } from './model.ts';
import type { PositionAlgebra } from './position.ts';
import { isConclusive, mayStillPromote, primaryAfter } from './primary.ts';
import { answerPromise, unsettledAfterView } from './promise.ts';
import { UNKNOWN_DEMAND, type Demand } from './quorum/demand.ts';
import { withdrew } from './quorum/pledging.ts';
import { sightAfterAsking, sightAfterLook, sightOfTerm } from './quorum/sight.ts';
import { adopt, seenHeartbeat, type Reign } from './reign.ts';

/** What one event changes in the memory, before anything is decided. */

type Result = readonly [Memory, readonly Effect[]];

export const absorb = (m: Memory, event: Event, positions: PositionAlgebra): Result => {
  switch (event.kind) {
    case 'tick':
      return [m, []];
    case 'view':
      return seeView(m, event.view);
    case 'view-failed':
      return [{ ...m, storeTrouble: event.why }, []];
    case 'transacted':
      return settle(m, event.flight, event.outcome, positions);
    case 'lease':
      return [{ ...m, lease: event.lease }, []];
    case 'database':
      return [seeDatabase({ ...m, rewindObstacles: event.rewindObstacles }, event.database, event.at), []];
    case 'guard':
      return [seeGuard(m, event), []];
    case 'peers':
      return [
        handoverHears(
          { ...m, peers: completeRound(m, event.round), asking: false, sight: sightAfterAsking(m, event.round) },
          positions,
        ),
        [],
      ];
    case 'promise-asked':
      return answerPromise(m, event.question, event.request);
    case 'promises':
      return promisesCame(m, event.round);
    case 'task-ended':
      return endTask(m, event, positions);
    case 'instance':
      return [{ ...m, instance: event.instance, pledging: { ...m.pledging, stopped: undefined } }, []];
    case 'tags':
      return [{ ...m, self: { ...m.self, tags: event.tags } }, []];
    case 'stop':
      return [{ ...m, stopping: event.how }, []];
    default:
      return event satisfies never;
  }
};

const seeGuard = (m: Memory, { alive, term, deadline, cut }: Extract<Event, { kind: 'guard' }>): Memory => ({
  ...m,
  guard: {
    alive,
    term,
    deadline,
    ...(cut === undefined ? {} : { cut }),
    lostSince: alive ? undefined : (m.guard.lostSince ?? m.now),
  },
});

/** A newer view: settings, first sight of a heartbeat, and what it says of the own reign. */
const seeView = (m: Memory, view: ClusterView): Result => {
  if (m.view !== undefined && view.revision < m.view.revision) return [m, []];
  const next: Memory = {
    ...m,
    view,
    viewAt: m.now,
    storeTrouble: undefined,
    // A configuration that cannot be understood changes nothing: the last good one stays in force.
    settings: view.settings?.value ?? m.settings,
    carrying: stillAsked(m, view) ? m.carrying : undefined,
    silence: seenHeartbeat(m.silence, view.heartbeat, m.now),
    unsettledLead: unsettledAfterView(m, view),
  };
  const seen: Memory = { ...next, sight: sightOfTerm(next) };
  return seen.reign === undefined ? takeUp(seen, view) : keepOrLose(seen, view);
};

/** An intent that was withdrawn or has ended is not carried any more. */
const stillAsked = ({ carrying }: Memory, view: ClusterView): boolean =>
  view.intents.some(({ value }) => value.id === carrying?.id && value.outcome === undefined);

/** Adopts a leader key that is ours though this process did not know it. */
const takeUp = (m: Memory, view: ClusterView): Result => {
  const found = adopt(view, { name: m.self.name, instance: m.instance }, m.settings.timing.drift, m.now);
  if (found === undefined || found.term === m.toldFenced) return [m, []];
  const reign = { ...found, ...ownAttempt(m, view) };
  const tell: Effect = {
    kind: 'tell',
    level: 'info',
    event: 'term.adopted',
    message: `the leader key of term ${reign.term} is ours (${view.history?.value.how ?? 'unknown'}): proving it by a heartbeat`,
    fields: { term: String(reign.term), clearance: reign.clearance, generation: reign.generation },
  };
  const promotionPending = m.promotionPending || predecessorLed(m, view, reign);
  return [{ ...m, reign, promotionPending, demand: UNKNOWN_DEMAND }, [tell]];
};

/**
 * An earlier process of this member's agent held a right in this term, so it may have begun a promotion that is still to come:
 * where the database is a replica now, that server is ended before anything else is decided (D6, I11; docs/decisions/0027).
 */
const predecessorLed = ({ self }: Memory, { heartbeat }: ClusterView, { term }: Reign): boolean =>
  heartbeat?.value.member === self.name &&
  heartbeat.value.agent !== self.agent &&
  (heartbeat.value.term ?? termOf(heartbeat.modRevision)) === term;

/** The term was begun by an attempt of this very process whose answer is late or lost: its right was judged then (D5). */
const ownAttempt = ({ self, lastLead }: Memory, view: ClusterView): Partial<Reign> => {
  const { heartbeat, history } = view;
  const mine =
    lastLead !== undefined &&
    heartbeat?.value.agent === self.agent &&
    heartbeat.modRevision === history?.modRevision &&
    history.value.at === lastLead.at &&
    history.value.generation === lastLead.generation;
  if (!mine || lastLead.clearance === 'no') return {};
  return { clearance: lastLead.clearance, silence: undefined, openFrom: lastLead.openFrom };
};

const keepOrLose = (m: Memory, view: ClusterView): Result => {
  const { reign } = m;
  // A view from before the last write of ours says nothing about it.
  if (reign === undefined || view.revision < reign.heartbeatRevision) return [m, []];
  const { leader } = view;
  if (leader !== undefined && (leader.modRevision as bigint) === (reign.term as bigint)) return [m, []];
  if (leader !== undefined) {
    const [lost, effects] = loseReign(m, `${leader.value} holds the key under term ${leader.modRevision}`);
    const [taken, more] = takeUp(lost, view);
    return [taken, [...effects, ...more]];
  }
  const nobodySince = view.history !== undefined && (view.history.modRevision as bigint) === (reign.term as bigint);
  if (!nobodySince || !m.mayBePrimary) return loseReign(m, 'the leader key is gone');
  return [{ ...m, reign: { ...reign, keyGone: true, heartbeatRevision: lastOfOurs(m, reign, view) } }, []];
};

/**
 * The heartbeat that D13 compares. One of unknown outcome may be the last: it is seen as ours, and whatever else was sent
 * compares an older one, so that it cannot happen any more.
 */
const lastOfOurs = (m: Memory, reign: Reign, { heartbeat }: ClusterView): Revision =>
  heartbeat?.value.agent === m.self.agent && heartbeat.value.term === reign.term && !heartbeat.value.released
    ? heartbeat.modRevision
    : reign.heartbeatRevision;

/** An etcd that was restored from an older state says nothing of what has become of a term (02 "etcd lost"). */
const believed = (m: Memory, told: Settled): Settled =>
  'revision' in told && m.view !== undefined && told.revision < m.view.revision
    ? {
        kind: 'unknown',
        why: `etcd has lost data: it answers at revision ${told.revision}, ${m.view.revision} was seen`,
      }
    : told;

const settle = (m: Memory, id: number, told: Settled, positions: PositionAlgebra): Result => {
  const flight = m.flights.find((f) => f.id === id);
  if (flight === undefined) return [m, []];
  const outcome = believed(m, told);
  const landed: Memory = {
    ...m,
    flights: m.flights.filter((f) => f.id !== id),
    lease: leaseGone(flight, outcome) ? undefined : m.lease,
    decideFrom: decideFrom(m, flight, outcome),
  };
  switch (flight.purpose.kind) {
    case 'heartbeat':
      return heartbeatSettled(landed, flight, outcome, positions);
    case 'lead':
      return leadSettled(settledLead(landed, outcome), flight, outcome);
    case 'release':
    case 'give-back':
    case 'hand-over':
      return givenAway(landed, flight, outcome, positions);
    case 'fenced':
      return [
        outcome.kind === 'applied' || outcome.kind === 'refused' ? { ...landed, owedFence: undefined } : landed,
        [{ kind: 'read-view' }],
      ];
    case 'intent':
      return [endCarrying(landed, flight, outcome), [{ kind: 'read-view' }]];
    case 'failsafe':
      return failsafeSettled(landed, flight, outcome);
    case 'publish':
      return [publishSettled(landed, flight.purpose.term, outcome), [{ kind: 'read-view' }]];
    case 'pledge':
      return [pledgeSettled(landed, flight.purpose.term, outcome), [{ kind: 'read-view' }]];
    case 'suspect':
    case 'initialize':
    case 'member':
    case 'housekeeping':
      return [landed, [{ kind: 'read-view' }]];
    default:
      return flight.purpose satisfies never;
  }
};

/** A take-over whose outcome is known cannot happen later. */
const settledLead = (m: Memory, outcome: Settled): Memory =>
  outcome.kind === 'unknown' ? m : { ...m, unsettledLead: undefined };

/** Our lease has ended: nothing is put on it until the shell tells of a new one. */
const leaseGone = ({ purpose }: Flight, outcome: Settled): boolean =>
  outcome.kind === 'failed' &&
  outcome.code === 'lease-gone' &&
  (purpose.kind === 'lead' || purpose.kind === 'member' || purpose.kind === 'fenced');

/** What was written, or seen by a refusal, has to be in the view before the next decision; a heartbeat changes none. */
const decideFrom = (m: Memory, { purpose }: Flight, outcome: Settled): Memory['decideFrom'] => {
  if (['heartbeat', 'member', 'housekeeping', 'failsafe'].includes(purpose.kind)) return m.decideFrom;
  return (outcome.kind === 'applied' || outcome.kind === 'refused') && outcome.revision > m.decideFrom
    ? outcome.revision
    : m.decideFrom;
};

/** A publication that was done settles every earlier one: those compare a list that is gone (rule D2). */
const publishSettled = (m: Memory, term: Term, outcome: Settled): Memory =>
  outcome.kind === 'applied' && m.reign?.term === term ? { ...m, demand: { ...m.demand, unsettled: false } } : m;

/** The same for the own register (rule D11). A withdrawal that is known lets receiving begin. */
const pledgeSettled = (m: Memory, pledged: Term | undefined, outcome: Settled): Memory => {
  if (outcome.kind !== 'applied') return m;
  const settled = { ...m.pledging, unsettled: false };
  const stopped = m.pledging.stopped?.term;
  if (pledged !== undefined || stopped === undefined) return { ...m, pledging: settled };
  return { ...m, pledging: withdrew(m.pledging, stopped, m.now) };
};

const endCarrying = (m: Memory, flight: Flight, outcome: Settled): Memory =>
  outcome.kind === 'applied' && flight.purpose.kind === 'intent' && m.carrying?.id === flight.purpose.id
    ? { ...m, carrying: undefined }
    : m;

/** A primary says it; until it is primary again, here or under another reign, what was last seen stands. */
const failingAfter = (m: Memory, db: DatabaseView): Failing | undefined => {
  if (db.kind !== 'running' || db.role !== 'primary') return m.reign === undefined ? undefined : m.failing;
  if (db.failing === undefined) return undefined;
  return { since: m.failing?.since ?? m.now, full: db.unfit !== undefined };
};

const seeDatabase = (m: Memory, database: Known<DatabaseView>, at: Instant): Memory => {
  if (database.kind === 'unknown') return { ...m, database };
  const down = database.value.kind !== 'running';
  // However it comes back (also by its own crash recovery), a commit must be acknowledged again before clients are let in.
  const reign = down && m.reign?.barrier === true ? { ...m.reign, barrier: false } : m.reign;
  return {
    ...m,
    reign,
    demand: demandAfter(m, database.value),
    sight: sightAfterLook(m, database.value),
    database,
    databaseAt: at,
    mayBePrimary: primaryAfter(m, database.value),
    looked: m.looked || isConclusive(database.value),
    failing: failingAfter(m, database.value),
    promotionPending: m.promotionPending && mayStillPromote(database.value),
    downSince: down && m.reign !== undefined ? (m.downSince ?? m.now) : undefined,
  };
};

/** What was proven of a server ends with it; what was prepared is in force in the server that was promoted with it, or gone. */
const demandAfter = ({ demand, settings, reign, now }: Memory, db: DatabaseView): Demand => {
  if (db.kind !== 'running')
    return { ...demand, proven: undefined, prepared: undefined, mark: undefined, committed: false };
  if (db.role !== 'primary' || reign === undefined) return demand;
  const connected = db.replicas.some(({ state }) => state === 'streaming');
  const alone = settings.replication.mode !== 'async' && !connected;
  return { ...demand, aloneSince: alone ? (demand.aloneSince ?? now) : undefined };
};

const handoverHears = (m: Memory, positions: PositionAlgebra): Memory => {
  if (m.handover?.phase !== 'catching-up') return m;
  const answer = m.peers?.answers.get(m.handover.to);
  if (answer?.kind !== 'known') return m;
  const { applied, instance } = answer.value;
  return handoverStep(m, { kind: 'candidate', applied, instance }, positions);
};

const handoverStep = (m: Memory, event: HandoverEvent, positions: PositionAlgebra): Memory =>
  m.handover === undefined ? m : { ...m, handover: stepHandover(m.handover, event, m.now, positions) };

const endTask = (
  m: Memory,
  { task, result, database, at }: Extract<Event, { kind: 'task-ended' }>,
  positions: PositionAlgebra,
): Result => {
  if (m.task === undefined || m.task.task.kind !== task.kind) return [m, []];
  const promotionPending = task.kind === 'promote' ? cutShort(result) : m.promotionPending;
  const free = seeDatabase(
    { ...m, task: undefined, promotionPending, trouble: troubleAfter(m, task, result) },
    database,
    at,
  );
  const effects: Effect[] = [];
  if (result.kind === 'failed')
    effects.push({
      kind: 'tell',
      level: 'warn',
      event: `task.${task.kind}.failed`,
      message: result.message,
      fields: { code: result.code },
    });
  const next = taskMeans(free, task, result, positions);
  return [next, effects];
};

/** A promotion that timed out or was aborted may still come; one that was refused was never begun. */
const cutShort = (result: TaskResult): boolean =>
  result.kind === 'aborted' || (result.kind === 'failed' && result.code !== 'refused');

/** 0.5 s, doubled at each failure, at most 30 s. */
const backoff = (count: number): number => Math.min(30_000, 500 * 2 ** Math.min(count - 1, 10));

const troubleAfter = (m: Memory, task: Task, result: TaskResult): Trouble | undefined => {
  if (result.kind === 'aborted') return m.trouble;
  if (result.kind === 'done') return m.trouble?.task === task.kind || task.kind === 'barrier' ? undefined : m.trouble;
  const count = (m.trouble?.task === task.kind ? m.trouble.count : 0) + 1;
  return { task: task.kind, count, at: m.now, notBefore: after(m.now, ms(backoff(count))), message: result.message };
};

/** Only a task that ended well proves anything; after one that did not, either demand may be in force (rule D7). */
const acknowledged = (m: Memory, task: Extract<Task, { kind: 'acknowledge' }>, done: boolean): Memory => {
  const db = m.database.kind === 'known' ? m.database.value : undefined;
  const running = db?.kind === 'running' ? db : undefined;
  const same = m.reign?.term === task.term;
  const prepared = done && same && running?.role === 'replica' ? task.wanted : undefined;
  const proven = done && same && running?.role === 'primary' ? task.wanted : undefined;
  const mark = proven === undefined ? undefined : running?.position;
  return { ...m, demand: { ...m.demand, proven, prepared, mark, committed: false } };
};

/**
 * The server that was prepared is the one that was promoted: what it was told is in force since the promotion's first instant. The others
 * re-point to what the heartbeat says, so they are told at once.
 */
const promoted = (m: Memory): Memory => {
  if (m.reign === undefined) return m;
  const next: Memory = { ...m, reign: { ...m.reign, dueAt: m.now } };
  const db = m.database.kind === 'known' ? m.database.value : undefined;
  const { prepared } = m.demand;
  if (prepared === undefined || db?.kind !== 'running' || db.role !== 'primary') return next;
  if (db.generation !== m.reign.generation) return next;
  const demand: Demand = { ...m.demand, proven: prepared, prepared: undefined, mark: db.position, committed: false };
  return { ...next, demand };
};

const taskMeans = (m: Memory, task: Task, result: TaskResult, positions: PositionAlgebra): Memory => {
  const done = result.kind === 'done';
  const why = result.kind === 'failed' ? result.message : 'it was aborted';
  switch (task.kind) {
    case 'fence':
      return done ? { ...m, mayBePrimary: false, looked: true, promotionPending: false } : m;
    case 'barrier':
      return done && m.reign?.term === task.term
        ? { ...m, reign: { ...m.reign, barrier: true }, demand: { ...m.demand, committed: true } }
        : m;
    case 'acknowledge':
      return acknowledged(m, task, done);
    case 'stop-receiving':
      return done && result.finalPosition !== undefined
        ? { ...m, pledging: { ...m.pledging, stopped: { term: task.term, position: result.finalPosition } } }
        : m;
    case 'checkpoint':
      return task.purpose === 'handover'
        ? handoverStep(m, done ? { kind: 'checkpointed' } : { kind: 'step-failed', why }, positions)
        : m;
    case 'stop':
      return handoverStep(
        m,
        done ? { kind: 'stopped', final: result.finalPosition } : { kind: 'step-failed', why },
        positions,
      );
    case 'configure':
      return done ? m : { ...m, configured: undefined };
    case 'keep-slots':
      return { ...m, slotsKeptAt: m.now };
    case 'promote':
      return done ? promoted(m) : m;
    case 'initialize':
    case 'clone':
    case 'start':
    case 'restart':
    case 'follow':
    case 'rewind':
      return m;
    default:
      return task satisfies never;
  }
};
