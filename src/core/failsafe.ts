import { NEVER, ms, type MemberName, type Revision, type Term } from './brand.ts';
import { after, elapsedAtLeast, elapsedAtMost, remaining, type Instant } from './instant.ts';
import { inFlight, send } from './flights.ts';
import type { Effect, Flight, Memory, PromiseRound, Settled } from './memory.ts';
import type { Failsafe } from './model.ts';
import { givesUp } from './primary.ts';
import { proposeFailsafe } from './proposals.ts';
import { deadlineFrom } from './reign.ts';
import { rightOf } from './timing.ts';

/**
 * The holder's side of failsafe (rule D15): a leader that cannot prove itself in etcd goes on as long as every member that
 * could take the key promises not to. Whom it asks stands in etcd, and only they may take the key.
 */

/** What a leader remembers for it. */
export interface FailsafeState {
  /** The list of this term, as the last write of this process put it; undefined while it is not known to be in force. */
  readonly list:
    { readonly term: Term; readonly members: Failsafe['members']; readonly revision: Revision } | undefined;
  /** When the list was last sent, or a round of questions begun. */
  readonly sentAt: Instant | undefined;
  readonly askedAt: Instant | undefined;
  readonly asking: boolean;
  /** Listed members that are not there any more, and since when. */
  readonly missing: Readonly<Record<string, Instant>>;
  /** The right in force was given by promises, since this wall clock time in milliseconds. */
  readonly activeSince: number | undefined;
  /** Why the last round gave nothing, one sentence a member; empty when it did. */
  readonly refusals: readonly string[];
}

export const NO_FAILSAFE: FailsafeState = {
  list: undefined,
  sentAt: undefined,
  askedAt: undefined,
  asking: false,
  missing: {},
  activeSince: undefined,
  refusals: [],
};

type Result = readonly [Memory, readonly Effect[]];

/** A member that is gone for this long leaves the list: until then its promise is needed, and it may take the key. */
const FORGET_AFTER = 300_000;
/** Between two attempts to write the list, and between two rounds of questions that gave nothing. */
const LIST_GAP = 1_000;
const ROUND_GAP = 250;

/** Writes who must promise, when that changed or is not known to be in force; removes it where failsafe is switched off. */
export const keepFailsafeList = (before: Memory): Result => {
  const m = noteMissing(before);
  const { reign, view, failsafe } = m;
  const proven = reign?.deadline !== undefined && !reign.unsettled && !reign.keyGone && reign.clearance !== 'no';
  if (!proven || view?.leader === undefined || !m.mayBePrimary || m.handover !== undefined) return [m, []];
  if ((view.leader.modRevision as bigint) !== (reign.term as bigint) || inFlight(m, 'failsafe')) return [m, []];
  // Whoever comes into the list may take the key, and was not asked for the right that stands (decision 0024).
  if (failsafe.asking || failsafe.activeSince !== undefined) return [m, []];
  if (failsafe.sentAt !== undefined && elapsedAtMost(failsafe.sentAt, m.now) < LIST_GAP) return [m, []];
  const known = failsafe.list?.term === reign.term ? failsafe.list : undefined;
  const over = known?.revision ?? view.failsafe?.modRevision ?? NEVER;
  const sent: Memory = { ...m, failsafe: { ...failsafe, sentAt: m.now } };
  if (!m.settings.failsafe) {
    if (known === undefined && view.failsafe === undefined) return [m, []];
    const gone: Memory = { ...sent, failsafe: { ...sent.failsafe, list: undefined } };
    return send(gone, { kind: 'failsafe', term: reign.term, members: [] }, proposeFailsafe(reign, over, undefined));
  }
  const members = wantedMembers(m);
  if (known !== undefined && sameMembers(known.members, members)) return [m, []];
  return send(
    sent,
    { kind: 'failsafe', term: reign.term, members },
    proposeFailsafe(reign, over, { term: reign.term, members }),
  );
};

/** Remembers since when listed members are not there. */
const noteMissing = (m: Memory): Memory => {
  const listed = m.failsafe.list?.members ?? [];
  const gone = listed.filter(({ name }) => m.view !== undefined && !m.view.members.has(name));
  if (gone.length === 0 && Object.keys(m.failsafe.missing).length === 0) return m;
  const missing = Object.fromEntries(gone.map(({ name }) => [name, m.failsafe.missing[name] ?? m.now]));
  return { ...m, failsafe: { ...m.failsafe, missing } };
};

/** Everybody who is there, and everybody who was until a while ago, by name. */
const wantedMembers = (m: Memory): Failsafe['members'] => {
  const there = [...(m.view?.members.values() ?? [])].map(({ value: { name, apiUrl } }) => ({ name, apiUrl }));
  const away = (m.failsafe.list?.members ?? []).filter(({ name }) => {
    const since = m.failsafe.missing[name];
    return since !== undefined && elapsedAtLeast(since, m.now) < FORGET_AFTER;
  });
  return [...there, ...away].sort((a, b) => (a.name < b.name ? -1 : 1));
};

const sameMembers = (a: Failsafe['members'], b: Failsafe['members']): boolean =>
  a.length === b.length && a.every((one, at) => one.name === b[at]?.name && one.apiUrl === b[at].apiUrl);

/** The answer to a write of the list: only what is known to be written may be relied on (rule D2). */
export const failsafeSettled = (m: Memory, flight: Flight, outcome: Settled): Result => {
  if (flight.purpose.kind !== 'failsafe') return [m, []];
  const { term, members } = flight.purpose;
  const written = outcome.kind === 'applied' && members.length > 0;
  const list = written ? { term, members, revision: outcome.revision } : undefined;
  return [{ ...m, failsafe: { ...m.failsafe, list } }, [{ kind: 'read-view' }]];
};

/** How long the last proof is old before promises are sought: a heartbeat is due and its call has had its time. */
export const seekWhenLeft = ({ settings: { timing } }: Memory): number =>
  rightOf(timing) - timing.heartbeatInterval - timing.callTimeout;

/** Asks for promises while the right still lasts and etcd does not confirm it. */
export const seekPromises = (m: Memory): Result => {
  const { reign, failsafe } = m;
  const { list } = failsafe;
  if (!m.settings.failsafe || failsafe.asking || reign?.deadline === undefined) return [m, []];
  if (list?.term !== reign.term || reign.pausePublished || reign.unsettled) return [m, []];
  // Another list may come into force any moment (D2).
  if (inFlight(m, 'failsafe')) return [m, []];
  // A key that is gone is taken again as soon as etcd answers; promises are for when it does not.
  if (reign.keyGone && m.storeTrouble === undefined) return [m, []];
  if (!m.mayBePrimary || m.handover !== undefined || m.task?.task.kind === 'fence' || givesUp(m)) return [m, []];
  const left = remaining(reign.deadline, m.now);
  if (left <= m.settings.timing.fenceBudget || left > seekWhenLeft(m)) return [m, []];
  if (failsafe.askedAt !== undefined && elapsedAtMost(failsafe.askedAt, m.now) < ROUND_GAP) return [m, []];
  const others = list.members.filter(({ name }) => name !== m.self.name);
  return [
    { ...m, failsafe: { ...failsafe, asking: true, askedAt: m.now } },
    [{ kind: 'ask-promises', term: reign.term, ttl: m.settings.timing.ttl, members: others }],
  ];
};

/** The answers: all must have promised, and the right that they prolong must not have ended (rule D15, A13). */
export const promisesCame = (before: Memory, round: PromiseRound): Result => {
  const m: Memory = { ...before, failsafe: { ...before.failsafe, asking: false } };
  const { reign, failsafe } = m;
  if (reign?.deadline === undefined || reign.term !== round.term || failsafe.list?.term !== round.term) return [m, []];
  const refusals = failsafe.list.members
    .filter(({ name }) => name !== m.self.name)
    .map(({ name }) => refusalOf(name, round))
    .filter((why) => why !== undefined);
  if (refusals.length > 0) return refused(m, refusals);
  // What has begun to be fenced stays fenced: promises prolong a right, they never revive one.
  if (remaining(reign.deadline, m.now) <= 0 || m.task?.task.kind === 'fence' || reign.unsettled) return [m, []];
  const given = deadlineFrom(round.at, m.settings.timing, round.ttl);
  if (remaining(reign.deadline, m.now) >= remaining(given, m.now)) return [m, []];
  const began = failsafe.activeSince === undefined;
  const next: Memory = {
    ...m,
    reign: { ...reign, deadline: given, provenAt: round.at },
    failsafe: { ...failsafe, activeSince: failsafe.activeSince ?? m.wall, refusals: [] },
  };
  const names = failsafe.list.members.map(({ name }) => name).join(', ');
  const tell: Effect = {
    kind: 'tell',
    level: 'warn',
    event: 'failsafe.begun',
    message: `etcd does not confirm term ${reign.term}; it goes on by the promises of ${names}`,
    fields: { term: String(reign.term) },
  };
  return [next, [{ kind: 'arm', term: reign.term, deadline: given }, ...(began ? [tell] : [])]];
};

const refusalOf = (name: MemberName, { answers }: PromiseRound): string | undefined => {
  const answer = answers.get(name);
  if (answer === undefined) return `${name} was not asked`;
  return answer.promised ? undefined : `${name}: ${answer.why}`;
};

const refused = (m: Memory, refusals: readonly string[]): Result => {
  const next: Memory = { ...m, failsafe: { ...m.failsafe, refusals } };
  if (m.failsafe.refusals.join() === refusals.join()) return [next, []];
  const tell: Effect = {
    kind: 'tell',
    level: 'warn',
    event: 'failsafe.refused',
    message: `etcd does not confirm the right, and not every member promises to leave it: ${refusals.join('; ')}`,
  };
  return [next, [tell]];
};

/** etcd has confirmed the right again: nothing rests on promises any more. */
export const failsafeOver = (m: Memory): Result => {
  if (m.failsafe.activeSince === undefined && m.failsafe.refusals.length === 0) return [m, []];
  const next: Memory = { ...m, failsafe: { ...m.failsafe, activeSince: undefined, refusals: [] } };
  if (m.failsafe.activeSince === undefined) return [next, []];
  const tell: Effect = {
    kind: 'tell',
    level: 'info',
    event: 'failsafe.ended',
    message: `etcd confirms the right again, after ${Math.round((m.wall - m.failsafe.activeSince) / 1_000)} s by promises`,
  };
  return [next, [tell]];
};

/** Milliseconds until promises are to be sought, for the next wake-up; undefined when that is of no interest now. */
export const seekIn = (m: Memory): number | undefined => {
  const { reign, failsafe } = m;
  if (!m.settings.failsafe || failsafe.asking || reign?.deadline === undefined || failsafe.list === undefined)
    return undefined;
  const due = remaining(reign.deadline, m.now) - seekWhenLeft(m);
  const gap = failsafe.askedAt === undefined ? 0 : remaining(after(failsafe.askedAt, ms(ROUND_GAP)), m.now);
  const wait = Math.max(due, gap);
  return wait > 0 ? wait : undefined;
};
