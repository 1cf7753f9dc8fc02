import { ownRank, ranking, vacantFor, type Snapshot } from '../snapshot.ts';
import { remaining } from '../instant.ts';
import { lookedSince } from '../asking.ts';
import type { MemberName } from '../brand.ts';
import type { Intent, Keyed } from '../model.ts';
import { peersFresh } from './handover-rules.ts';
import { binds } from '../quorum/promise.ts';
import { lossAccepted } from './pledge.ts';
import { act, wait, type Decision, type Rule } from './rule.ts';

/** How long before the silence ends the members ask each other, so that the answer is there when it counts. */
const PREPARE = 800;

type Failover = Extract<Intent, { kind: 'failover' }>;

/** How long an election waits for members that have not looked at their databases since the last leader's right ended. */
const LAST_LOOK = 500;

/** A failover that an operator asked for, to this member. */
const ordered = (s: Snapshot): Keyed<Failover> | undefined =>
  s.view?.intents.find(
    (k): k is Keyed<Failover> =>
      k.value.kind === 'failover' && k.value.outcome === undefined && k.value.to === s.m.self.name,
  );

const forced = (s: Snapshot): Failover | undefined => ordered(s)?.value;

/**
 * The order names the successor of a leader that was lost while paused, whose right nothing else ends: it was given after that
 * leader was lost. One that is older was meant for a leader that lived (docs/decisions/0002).
 */
const namesSuccessor = (s: Snapshot): boolean => {
  const order = ordered(s);
  return order !== undefined && s.m.leaderlessFrom !== undefined && order.modRevision > s.m.leaderlessFrom;
};

const allowLoss = (s: Snapshot): boolean => lossAccepted(s) !== undefined;

/** Writes are promised and nobody has accepted their loss: only an election by pledges may find a leader (D9). */
const pledgesDecide = (s: Snapshot): boolean => binds(s.view) && !allowLoss(s);

const ownBlocks = (s: Snapshot): readonly string[] => {
  const own = ownRank(s, allowLoss(s));
  if (own === undefined) return ['this member has not published itself yet'];
  return own.reasons.filter((r) => r.blocks && r.code !== 'is-leader').map((r) => r.text);
};

/** So that it does not stand in the way of one that is meant for now. */
const refuse = (intent: Keyed<Failover>): Decision => {
  const reason =
    'it is older than the loss of the leader, which was paused: order it again if that leader is surely dead';
  return act(
    'lead when it is ordered again',
    [{ do: 'end-intent', intent, outcome: 'refused', reason }],
    [reason],
    200,
  );
};

/** Peers that are primary with a right of their own: a live one ends the election. */
const livePrimary = (s: Snapshot): MemberName | undefined => {
  for (const [name, answer] of s.m.peers?.answers ?? [])
    if (answer.kind === 'known' && answer.value.role === 'primary' && answer.value.holdsRight && name !== s.m.self.name)
      return name;
  return undefined;
};

/** A member answered from before the last leader's right ended: a last write may have reached it since. */
const answersAreOld = (s: Snapshot): boolean =>
  s.m.vacantSince !== undefined && vacantFor(s) < LAST_LOOK && !lookedSince(s.m.peers, s.m.vacantSince);

/** A better candidate than this member, which is given some time to act. */
const betterThanOwn = (s: Snapshot): MemberName | undefined => {
  const best = ranking(s, allowLoss(s)).find((r) => r.eligible);
  return best === undefined || best.name === s.m.self.name ? undefined : best.name;
};

/** How long a better candidate may take to act before the next one stands: two calls to etcd for the second, more for lower ranks. */
const patience = (s: Snapshot): number => {
  const rank = ownRank(s)?.rank ?? 1;
  return s.m.settings.timing.callTimeout * rank;
};

const released = (s: Snapshot): string =>
  s.released ? 'the last leader is fenced and said so' : 'the last leader has been silent for its whole right';

/** Nobody leads: who may stand, when, and who gives way (02 "Losing the leader"; rules D3, D5). */
export const electionRules: readonly Rule[] = [
  {
    id: 'election.prepare',
    quiet: true,
    why: 'the leader has been silent for most of its right: know the candidates before it ends',
    when: (s) =>
      !s.leaderLost &&
      s.running?.role === 'replica' &&
      s.leader !== undefined &&
      s.leader.name !== s.m.self.name &&
      s.silenceLeft < PREPARE &&
      !peersFresh(s),
    then: (s) =>
      act(
        'stand when the silence is complete',
        [{ do: 'ask-peers' }],
        [`${Math.round(s.silenceLeft)} ms of silence left`],
        50,
      ),
  },
  {
    id: 'election.cannot-stand',
    why: 'nobody leads, and this member must not: the reasons say why and what would unblock it',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && ownBlocks(s).length > 0,
    // What the last leader and the others say now may be a reason no more.
    then: (s) =>
      act('stand as soon as the reasons are gone', peersFresh(s) ? [] : [{ do: 'ask-peers' }], ownBlocks(s), 500),
  },
  {
    id: 'election.stand-aside',
    why: 'this member gave the key back just now and lets others go first',
    when: (s) =>
      s.leaderLost &&
      s.running?.role === 'replica' &&
      s.m.standAsideUntil !== undefined &&
      remaining(s.m.standAsideUntil, s.m.now) > 0,
    then: (s) =>
      wait(
        'stand again later',
        [`for ${Math.round(s.m.standAsideUntil === undefined ? 0 : remaining(s.m.standAsideUntil, s.m.now))} ms`],
        200,
      ),
  },
  {
    id: 'election.promised',
    why: 'this member has promised a leader without etcd not to lead for a while (D15)',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && s.promiseLeft > 0,
    then: (s) =>
      wait(
        'stand when the promise has ended',
        [`promised to the leader of term ${s.m.promise?.term}, ${Math.round(s.promiseLeft)} ms left`],
        Math.max(5, s.promiseLeft),
      ),
  },
  {
    id: 'election.wait-silence',
    why: 'the key is gone, but its last holder’s right may still last: it may take the key again, others wait (R2)',
    when: (s) =>
      s.leaderLost &&
      s.running?.role === 'replica' &&
      s.silenceLeft > 0 &&
      !(s.silenceLeft === Infinity && namesSuccessor(s)),
    then: (s) => {
      const order = ordered(s);
      if (s.silenceLeft === Infinity && order !== undefined) return refuse(order);
      return s.silenceLeft === Infinity
        ? wait(
            // A resume that came after the leader was lost ended no right: only the leader itself could have.
            s.paused
              ? 'resume, or name the new leader: haagentctl failover'
              : 'bring the last leader back, or name the new one: haagentctl failover',
            ['the last leader was paused when it was lost: no silence ends its right'],
          )
        : act(
            'stand when the silence is complete',
            s.silenceLeft < PREPARE && !peersFresh(s) ? [{ do: 'ask-peers' }] : [],
            [`${Math.round(s.silenceLeft)} ms left`],
            s.silenceLeft < PREPARE ? Math.max(5, Math.min(50, s.silenceLeft)) : s.silenceLeft - PREPARE,
          );
    },
  },
  {
    id: 'election.ask',
    why: 'every candidate asks the others how far they are before it stands',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && !peersFresh(s),
    then: () => act('stand when they have answered', [{ do: 'ask-peers' }], [], 100),
  },
  {
    id: 'election.live-primary',
    why: 'a peer is primary and its right lasts: it will take its key again',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && livePrimary(s) !== undefined,
    then: (s) => wait('ask again', [`${livePrimary(s)} is primary and holds a right`], 200),
  },
  {
    id: 'election.last-look',
    quiet: true,
    why: 'the last leader could write until its right ended: how far each member is counts only from then on (I4)',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && !pledgesDecide(s) && answersAreOld(s),
    then: () => act('stand when they have looked again', [{ do: 'ask-peers' }], [], 10),
  },
  {
    id: 'election.give-way',
    why: 'another member is the better candidate: it goes first',
    when: (s) =>
      s.leaderLost &&
      s.running?.role === 'replica' &&
      forced(s) === undefined &&
      betterThanOwn(s) !== undefined &&
      vacantFor(s) < patience(s),
    then: (s) => wait('stand if it does not act', [`${betterThanOwn(s)} is better`], 100),
  },
  {
    id: 'election.stand',
    why: 'nobody leads, the last leader’s right has ended, and this member is the best candidate: take the key (D3)',
    when: (s) => s.leaderLost && s.running?.role === 'replica' && !pledgesDecide(s),
    then: (s) => {
      const how = s.view?.history === undefined ? 'bootstrap' : s.view.leader === undefined ? 'acquire' : 'take-over';
      const wish = forced(s);
      const reason =
        wish === undefined
          ? released(s)
          : `failover asked for by ${wish.by}${wish.allowDataLoss ? ', loss of data accepted' : ''}`;
      return act(
        'then prove it by a heartbeat and promote',
        [{ do: 'lead', how, reason, overrides: wish?.allowDataLoss === true }],
        [reason],
      );
    },
  },
  {
    id: 'member.following',
    why: 'another member leads, and this one follows it',
    when: (s) => s.running?.role === 'replica' && !s.leaderLost,
    then: (s) =>
      wait(
        'go on',
        [s.running?.streaming === true ? `streaming from ${s.running.source?.member ?? '?'}` : 'not streaming'],
        s.silenceLeft < 60_000 ? Math.max(20, s.silenceLeft - PREPARE) : undefined,
      ),
  },
];
