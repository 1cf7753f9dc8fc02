import { elapsedAtMost } from '../instant.ts';
import { concerned, describeDemand, durabilityStep, published, revoked, selfVoter } from '../quorum/durability.ts';
import { satisfiesAll } from '../quorum/promise.ts';
import { ownPledge } from '../quorum/receiving.ts';
import { sameDemand, voterName } from '../quorum/sets.ts';
import { backingOff, type Snapshot } from '../snapshot.ts';
import { act, run, wait, type Rule } from './rule.ts';

/** What a leader does so that etcd never promises more than its database enforces (rules D7 to D9; I3, I8). */

const leads = (s: Snapshot): boolean => s.m.reign !== undefined;

/** Voters that can prove what they have are there: an election loses nothing and is quicker than a recovery. */
export const keptByOthers = (s: Snapshot): boolean => {
  const promised = published(s.m);
  if (promised.acks === 0 || s.view === undefined) return false;
  const there = new Set(
    [...s.view.members.values()]
      .map(({ value }) => value)
      .filter(({ state, name }) => name !== s.m.self.name && ['streaming', 'catching-up', 'running'].includes(state))
      .map(({ name, instance }) => voterName(name, instance)),
  );
  return satisfiesAll(s.view, there);
};

/** The next step of durability, where this leader's right lasts well (never on a node that may be losing leadership). */
const step = (s: Snapshot): ReturnType<typeof durabilityStep> => {
  const { reign } = s.m;
  if (reign === undefined || s.running?.role !== 'primary' || s.m.handover !== undefined) return undefined;
  return s.running.generation === reign.generation ? durabilityStep(s, reign) : undefined;
};

const belowPledge = (s: Snapshot): boolean => {
  const pledged = ownPledge(s.m)?.position;
  if (pledged === undefined || s.running === undefined) return false;
  return s.positions.compare(s.running.position, pledged) === 'behind';
};

/** Before the promotion of a new leader. */
export const prepareRules: readonly Rule[] = [
  {
    id: 'leader.lost-log',
    why: 'this member’s log ends before the position that it pledged with: what the election counted on is gone (D4)',
    when: (s) => leads(s) && s.m.handover === undefined && s.running?.role === 'replica' && belowPledge(s),
    then: () =>
      act('another member can stand', [{ do: 'release', reason: 'the log ends before the pledge', standAside: true }]),
  },
  {
    id: 'leader.prepare-demand',
    why: 'what the new term promises is set before the promotion, so that it is in force from its first instant (D9, A8)',
    when: (s) =>
      leads(s) &&
      s.m.handover === undefined &&
      s.running?.role === 'replica' &&
      concerned(s) &&
      (s.m.demand.prepared === undefined || !sameDemand(s.m.demand.prepared, published(s.m))),
    then: (s) => {
      const wanted = published(s.m);
      if (s.m.reign === undefined || backingOff(s, 'acknowledge'))
        return wait('try again', [s.m.trouble?.message ?? ''], 100);
      return run({ kind: 'acknowledge', term: s.m.reign.term, from: undefined, wanted }, 'then promote', [
        describeDemand(wanted),
      ]);
    },
  },
];

/** Of a leader whose database is primary. */
export const demandRules: readonly Rule[] = [
  {
    id: 'leader.demand',
    why: 'the database is brought to what the settings ask for, in single steps: every set of acknowledgements meets every set of pledges that could elect another leader (D7)',
    when: (s) => step(s)?.kind === 'acknowledge' && !backingOff(s, 'acknowledge'),
    then: (s) => {
      const next = step(s);
      if (next?.kind !== 'acknowledge' || s.m.reign === undefined) return wait('');
      const { from, wanted } = next;
      return run({ kind: 'acknowledge', term: s.m.reign.term, from, wanted }, 'then promise it', [
        describeDemand(wanted),
      ]);
    },
  },
  {
    id: 'leader.prove-by-commit',
    why: 'the database enforces it, and its replicas do not tell how far they are: a commit that they acknowledge shows that they have everything before it (D8)',
    when: (s) => step(s)?.kind === 'commit' && !backingOff(s, 'barrier'),
    then: (s) => {
      const next = step(s);
      if (next?.kind !== 'commit' || s.m.reign === undefined) return wait('');
      return run({ kind: 'barrier', term: s.m.reign.term }, 'then promise it', [next.why]);
    },
  },
  {
    id: 'leader.publish-promise',
    why: 'the database enforces it, and everything up to now is kept by enough voters: promise it, in one entry (D8)',
    when: (s) => step(s)?.kind === 'publish',
    then: (s) => {
      const next = step(s);
      if (next?.kind !== 'publish') return wait('');
      return act('then go on', [{ do: 'publish', entries: next.entries }], [next.says], 200);
    },
  },
  {
    id: 'leader.revoked',
    why: 'enough voters have pledged that they receive nothing from this leader: it cannot acknowledge, and another may lead (A17)',
    when: (s) => leads(s) && s.running?.role === 'primary' && s.m.handover === undefined && revoked(s.m),
    then: () => wait('open again when they have withdrawn; fence when another leads', [], 100),
  },
];

/** How long a voter that goes away by plan waits for its leader to do without it. */
const LEAVE_WITHIN = 3_000;

const isVoter = (s: Snapshot): boolean =>
  s.view?.sync?.value.some(({ voters }) => voters.includes(selfVoter(s.m))) === true;

/** Of a replica that stops, is restarted or copied anew by plan. */
export const leaveRules: readonly Rule[] = [
  {
    id: 'member.leave-voters',
    why: 'a voter that goes away by plan leaves first, so that no commit waits for it: the leader chooses others, or does without',
    when: (s) =>
      s.m.leavingSince !== undefined &&
      s.m.carrying === undefined &&
      s.m.reign === undefined &&
      s.running?.role === 'replica' &&
      s.running.streaming &&
      !s.leaderLost &&
      isVoter(s) &&
      elapsedAtMost(s.m.leavingSince, s.m.now) < LEAVE_WITHIN,
    then: () => wait('go when the leader has chosen other voters', [], 50),
  },
];
