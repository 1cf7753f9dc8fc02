import { ms, NEVER, termOf, type InstanceId, type Ms, type Revision, type Term } from './brand.ts';
import { after, elapsedAtLeast, remaining, type Instant } from './instant.ts';
import { lateAfter, LONGEST_TTL, rightOf, silenceFor, type Timing } from './timing.ts';
import type { ClusterView, Heartbeat, HistoryEntry } from './model.ts';

/** How a holder came to know that its predecessor's right has ended (rule D5). `no`: it has not ended yet. */
export type Clearance = 'no' | 'first' | 'released' | 'silence' | 'quorum' | 'own';

/** One leadership of this member, as far as this process can prove it. */
export interface Reign {
  readonly term: Term;
  /** The heartbeat key's mod revision that the next write of ours compares. */
  readonly heartbeatRevision: Revision;
  readonly seq: number;
  /** Until when this process's right lasts; undefined before its first heartbeat of this term (rule D4). */
  readonly deadline: Instant | undefined;
  /** When the proof that the right rests on was sent, or asked of the others; undefined before the first. */
  readonly provenAt: Instant | undefined;
  readonly clearance: Clearance;
  /** `cleared` stands in the heartbeat key too. */
  readonly clearancePublished: boolean;
  /** From when, and for how long, a holder that is not cleared yet has to see silence. */
  readonly silence: { readonly since: Instant; readonly for: Ms } | undefined;
  /** The newest heartbeat of ours says that the cluster is paused: until one says otherwise, the right has no end. */
  readonly pausePublished: boolean;
  /** The pause is over: the guard must know an end of the right before a heartbeat says so. */
  readonly resuming: boolean;
  /** The ttl that the heartbeat promises: the larger of own and inherited until cleared (rule D3). */
  readonly ttl: Ms;
  /** The log generation reserved for this term. */
  readonly generation: number;
  /** When this process learned that it leads. */
  readonly since: Instant;
  /** When the next heartbeat is to be sent. */
  readonly dueAt: Instant;
  /** A heartbeat was refused because the leader key is gone (rule D13). */
  readonly keyGone: boolean;
  /**
   * A hand-over or release was sent whose outcome is not known. Nothing that would be wrong under either outcome is done
   * until a heartbeat has succeeded or the key is seen with another (rule D2).
   */
  readonly unsettled: boolean;
  /** A commit was acknowledged in this term (rule D16). */
  readonly barrier: boolean;
  /** Not open for clients before: until then the predecessor may not have noticed that it is late (rule D16, A17). */
  readonly openFrom: Instant | undefined;
}

/** What a challenger knows of the newest heartbeat: its revision and when this process saw it first (rule D5). */
export interface Silence {
  readonly revision: Revision;
  readonly since: Instant;
  readonly ttl: Ms;
  readonly released: boolean;
  /** Written under pause: the holder's right does not end by silence. */
  readonly paused: boolean;
}

/** Keeps the first sight of each heartbeat. `now` is when the view was received: never earlier than the heartbeat's sending. */
export const seenHeartbeat = (
  before: Silence | undefined,
  heartbeat: { readonly value: Heartbeat; readonly modRevision: Revision } | undefined,
  now: Instant,
): Silence => {
  const revision = heartbeat?.modRevision ?? NEVER;
  if (before?.revision === revision) return before;
  return {
    revision,
    since: now,
    ttl: heartbeat?.value.ttl ?? LONGEST_TTL,
    released: heartbeat?.value.released ?? false,
    paused: heartbeat?.value.paused ?? false,
  };
};

/** Milliseconds of silence still to wait before the heartbeat's writer has surely stopped; 0 when it has (rule D5). */
export const silenceLeft = (silence: Silence, drift: number, now: Instant): number =>
  Math.max(0, silenceFor(silence.ttl, drift) - elapsedAtLeast(silence.since, now));

/**
 * The deadline that a heartbeat sent at `sentAt` gives: counted from just BEFORE sending (rule D4), by the ttl that it
 * promised where that is shorter than the one in force.
 */
export const deadlineFrom = (sentAt: Instant, timing: Timing, promised: Ms = timing.ttl): Instant =>
  after(sentAt, rightOf({ ...timing, ttl: ms(Math.min(promised, timing.ttl)) }));

/** This process has the right to act as primary for at least `spare` more milliseconds. */
export const holds = (reign: Reign | undefined, now: Instant, spare: number): boolean =>
  reign?.deadline !== undefined && remaining(reign.deadline, now) > spare;

/** A holder that may promote: cleared, proven in this process and term, nothing unsettled (rules D2, D4, D5). */
export const mayPromote = (reign: Reign, now: Instant, spare: number): boolean =>
  reign.clearance !== 'no' && !reign.unsettled && !reign.keyGone && holds(reign, now, spare);

/** Notices that the silence of a predecessor is complete. */
export const clearBySilence = (reign: Reign, now: Instant): Reign =>
  reign.clearance === 'no' &&
  reign.silence !== undefined &&
  elapsedAtLeast(reign.silence.since, now) >= reign.silence.for
    ? { ...reign, clearance: 'silence' }
    : reign;

/** A voter that was heard within this time, in milliseconds, can still acknowledge. */
export const HEARD_WITHIN = 1_000;

/** By pledges, and so lately that the predecessor may not know yet that it is late: few heartbeats have been written since. */
const electedJustNow = (history: HistoryEntry, told: Heartbeat, term: Term): boolean =>
  history.loss?.kind === 'none' && history.loss.proof === 'quorum' && (told.term !== term || told.seq <= 4);

/**
 * Finds that the leader key is ours: after an acquisition of unknown outcome, a hand-over to us, or a restart of the agent.
 * Only where the newest history entry names this member AND this life of its data (rules D4, D12; A11). A restarted agent
 * behaves as if a write of its predecessor were still under way: it proves itself by a heartbeat first (rule D2).
 */
export const adopt = (
  view: ClusterView,
  self: { readonly name: string; readonly instance: InstanceId },
  drift: number,
  now: Instant,
): Reign | undefined => {
  const { leader, heartbeat, history } = view;
  if (leader === undefined || heartbeat === undefined || history === undefined) return undefined;
  if (leader.value !== self.name || history.modRevision !== leader.modRevision) return undefined;
  if (history.value.member !== self.name || history.value.instance !== self.instance) return undefined;
  const term = termOf(leader.modRevision);
  // Who said that it is fenced does not become primary in that term again (rule D6).
  if (view.fenced.has(term)) return undefined;
  const told = heartbeat.value;
  const clearance: Clearance = told.released ? 'released' : told.cleared ? 'own' : 'no';
  return {
    term,
    heartbeatRevision: heartbeat.modRevision,
    seq: told.term === term ? told.seq : 0,
    deadline: undefined,
    provenAt: undefined,
    clearance,
    clearancePublished: told.cleared,
    pausePublished: told.paused && told.term === term,
    resuming: false,
    silence: clearance === 'no' ? { since: now, for: silenceFor(told.ttl, drift) } : undefined,
    ttl: told.ttl,
    generation: history.value.generation,
    since: now,
    dueAt: now,
    keyGone: false,
    unsettled: true,
    barrier: false,
    openFrom: electedJustNow(history.value, told, term)
      ? after(now, ms(HEARD_WITHIN + lateAfter(told.ttl)))
      : undefined,
  };
};
