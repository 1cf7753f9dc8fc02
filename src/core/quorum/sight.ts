import type { Term } from '../brand.ts';
import type { DatabaseView } from '../database.ts';
import { after, elapsedAtLeast, elapsedAtMost, type Instant } from '../instant.ts';
import { ms } from '../brand.ts';
import type { Memory, PeerRound } from '../memory.ts';
import type { Suspicion } from '../model.ts';
import { newestTerm } from './promise.ts';

/** The leader's signs of life, as a member that follows it sees them: messages on the stream, and its agent's answers. */
export interface Sight {
  readonly term: Term;
  readonly lastSign: Instant;
  /** Since when the stream has been gone. */
  readonly endedSince: Instant | undefined;
  /** The last question to the leader's agent that was not answered. */
  readonly unansweredAt: Instant | undefined;
  /** It was refused there, and at the database's port too. */
  readonly refused: boolean;
}

/** A stream that ended, and a host that answers but runs nothing: stronger than silence, so this is long enough (02 "Losing the leader"). */
const REFUSED_AFTER = 300;
/** After this share of the time until a suspicion the leader's agent is asked, so that its answer is there when it counts. */
const ASK_SHARE = 0.6;

const fresh = (term: Term, now: Instant): Sight => ({
  term,
  lastSign: now,
  endedSince: undefined,
  unansweredAt: undefined,
  refused: false,
});

/** Begins anew with each term; undefined for the leader itself. */
export const sightOfTerm = (m: Memory): Sight | undefined => {
  const term = m.view === undefined ? undefined : newestTerm(m.view);
  if (term === undefined || m.view?.history?.value.member === m.self.name) return undefined;
  return m.sight?.term === term ? m.sight : fresh(term, m.now);
};

const later = (a: Instant, b: Instant): Instant => (elapsedAtLeast(a, b) > 0 ? b : a);

/** What an observation of the own database says of the leader: only a stream from the leader itself counts. */
export const sightAfterLook = (m: Memory, db: DatabaseView): Sight | undefined => {
  const sight = sightOfTerm(m);
  if (sight === undefined || db.kind !== 'running') return sight;
  const { receiver } = db;
  const leader = m.view?.history?.value.member;
  if (receiver?.state !== 'streaming')
    return { ...sight, endedSince: sight.endedSince ?? after(m.now, ms(-(receiver?.endedAgoMs ?? 0))) };
  const heard = after(m.now, ms(-(receiver.heardAgoMs ?? 0)));
  const lastSign = db.source?.member === leader ? later(sight.lastSign, heard) : sight.lastSign;
  return { ...sight, lastSign, endedSince: undefined };
};

/** What the answers of the peers say of the leader. */
export const sightAfterAsking = (m: Memory, round: PeerRound): Sight | undefined => {
  const sight = sightOfTerm(m);
  const leader = m.view?.history?.value.member;
  if (sight === undefined || leader === undefined) return sight;
  const answer = round.answers.get(leader);
  if (answer?.kind === 'known' && answer.value.leads)
    return { ...sight, lastSign: later(sight.lastSign, round.at), unansweredAt: undefined, refused: false };
  return { ...sight, unansweredAt: round.at, refused: round.refused?.has(leader) === true };
};

/** Milliseconds since the last sign of life. */
const silentFor = (sight: Sight, now: Instant): number => elapsedAtMost(sight.lastSign, now);

/** Why this member suspects the leader; undefined when it does not. */
export const suspects = (m: Memory): Suspicion['evidence'] | undefined => {
  const { sight, now } = m;
  if (sight?.unansweredAt === undefined || elapsedAtLeast(sight.lastSign, sight.unansweredAt) < 0) return undefined;
  if (sight.refused && sight.endedSince !== undefined && elapsedAtLeast(sight.endedSince, now) >= REFUSED_AFTER)
    return 'refused';
  return elapsedAtLeast(sight.lastSign, now) >= m.settings.replication.suspectAfter ? 'silence' : undefined;
};

/** The leader is silent for so long, or its stream has ended, that its agent should be asked. */
export const wantsToAsk = (m: Memory): boolean =>
  m.sight !== undefined &&
  (m.sight.endedSince !== undefined || silentFor(m.sight, m.now) >= ASK_SHARE * m.settings.replication.suspectAfter);
