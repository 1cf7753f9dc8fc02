import type { MemberName } from './brand.ts';
import { elapsedAtLeast, elapsedAtMost, type Instant } from './instant.ts';
import type { Known } from './known.ts';
import type { Memory, PeerAnswer, PeerRound } from './memory.ts';

/** How long it is believed that a member that did not answer still does not, in milliseconds. */
const SILENT_FOR = 1_000;

/** Members that were silent in a recent round, while nobody leads: asked again, each of them would cost its whole time-out. */
const knownSilent = (m: Memory): ReadonlyMap<MemberName, Known<PeerAnswer>> => {
  if (m.vacantSince === undefined || m.peers === undefined || elapsedAtMost(m.peers.at, m.now) > SILENT_FOR)
    return new Map();
  return new Map([...m.peers.answers].filter(([, answer]) => answer.kind === 'unknown'));
};

/**
 * Which of the other members are asked in the next round. During a hand-over only the candidate counts, and it is asked every
 * few milliseconds; while nobody leads, only those that may answer at once.
 */
export const peersToAsk = (m: Memory): readonly MemberName[] => {
  const others = [...(m.view?.members.keys() ?? [])].filter((name) => name !== m.self.name);
  if (m.handover?.phase === 'catching-up') return others.filter((name) => name === m.handover?.to);
  const silent = knownSilent(m);
  return others.filter((name) => !silent.has(name));
};

/** A round with what is still believed of those that were not asked. */
export const completeRound = (m: Memory, round: PeerRound): PeerRound => {
  const silent = knownSilent(m);
  return silent.size === 0 ? round : { ...round, answers: new Map([...silent, ...round.answers]) };
};

/**
 * Whether every replica that answers had looked at its database after `since`: what it held before may be less than what
 * the last leader had sent it by then.
 */
export const lookedSince = (round: PeerRound | undefined, since: Instant): boolean =>
  round !== undefined &&
  [...round.answers.values()].every(
    (answer) =>
      answer.kind === 'unknown' ||
      answer.value.role !== 'replica' ||
      elapsedAtLeast(since, round.at) >= (answer.value.lookedAgo ?? 0),
  );
