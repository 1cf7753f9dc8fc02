import { NEVER, type InstanceId, type MemberName, type Ms, type Revision, type Term } from './brand.ts';
import { elapsedAtLeast, type Instant } from './instant.ts';
import { inFlight } from './flights.ts';
import type { Effect, Memory } from './memory.ts';
import type { ClusterView } from './model.ts';
import { surelyNoPrimary } from './primary.ts';
import { silenceFor } from './timing.ts';

/**
 * The other side of failsafe (rule D15): a member promises the leader of a term not to lead for a while. A promise counts
 * like a heartbeat: it begins the silence anew, and it outlives this process.
 */

/** A promise that this member gave. */
export interface GivenPromise {
  readonly term: Term;
  /** When it was given; after a restart of the agent: when that was. */
  readonly since: Instant;
  readonly for: Ms;
}

/** A leader's question. */
export interface PromiseRequest {
  readonly from: MemberName;
  readonly instance: InstanceId;
  readonly term: Term;
  /** How long a right the leader draws from the answer, at most. */
  readonly ttl: Ms;
}

/** Milliseconds for which this member has promised not to lead. */
export const promiseLeft = (m: Pick<Memory, 'promise' | 'now'>): number =>
  m.promise === undefined ? 0 : Math.max(0, m.promise.for - elapsedAtLeast(m.promise.since, m.now));

/** Promises, or says why not. The shell answers only after a promise is kept where it survives a restart. */
export const answerPromise = (
  m: Memory,
  question: number,
  asked: PromiseRequest,
): readonly [Memory, readonly Effect[]] => {
  const why = refusal(m, asked);
  if (why !== undefined) return [m, [{ kind: 'answer-promise', question, promised: false, why }]];
  const promise: GivenPromise = {
    term: asked.term,
    since: m.now,
    for: silenceFor(asked.ttl, m.settings.timing.drift),
  };
  const longer = m.promise === undefined || promise.for >= promiseLeft(m) ? promise : m.promise;
  const silence = m.silence === undefined ? undefined : { ...m.silence, since: m.now };
  return [
    { ...m, promise: longer, silence, vacantSince: undefined },
    [{ kind: 'answer-promise', question, promised: true, term: asked.term, ttl: asked.ttl }],
  ];
};

/** Who leads, might lead, or knows of somebody who does, must not promise (A13). */
const refusal = (m: Memory, asked: PromiseRequest): string | undefined => {
  const { view } = m;
  if (view === undefined) return 'it has not seen the cluster in etcd since its agent started';
  if (m.reign !== undefined) return `it holds the leader key itself, under term ${m.reign.term}`;
  if (!surelyNoPrimary(m)) return 'its own database may be a primary';
  if (inFlight(m, 'lead') || m.unsettledLead !== undefined)
    return 'a take-over of its own may still happen in etcd: its outcome is not known';
  const newest = newestTerm(view);
  if (newest > asked.term) return `it has seen the newer term ${newest}`;
  if (newest === (asked.term as bigint) && view.history !== undefined && view.history.value.member !== asked.from)
    return `term ${asked.term} belongs to ${view.history.value.member}`;
  return undefined;
};

const newestTerm = (view: ClusterView): bigint => {
  const terms = [view.leader?.modRevision ?? NEVER, view.history?.modRevision ?? NEVER];
  return terms.reduce((a, b) => (a > b ? a : b));
};

/**
 * Which heartbeat a take-over of unknown outcome compares: it can still happen only while that one is the newest. A process
 * that has just started behaves as if its predecessor had sent one (rule D2).
 */
export const unsettledAfterView = (m: Memory, view: ClusterView): Revision | undefined => {
  const newest = view.heartbeat?.modRevision ?? NEVER;
  if (m.view === undefined) return newest;
  return m.unsettledLead === newest ? newest : undefined;
};
