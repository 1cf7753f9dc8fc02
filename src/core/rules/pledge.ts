import { elapsedAtLeast, elapsedAtMost } from '../instant.ts';
import type { MemberName } from '../brand.ts';
import type { Intent } from '../model.ts';
import { selfVoter } from '../quorum/durability.ts';
import { electionOf, isBetter, type Election } from '../quorum/election.ts';
import { binds, newestTerm, pledgesOf } from '../quorum/promise.ts';
import { hasPledged, keepsRegister } from '../quorum/receiving.ts';
import { suspects } from '../quorum/sight.ts';
import { pledgeWanted } from '../quorum/wanted.ts';
import { backingOff, ownRank, type Snapshot } from '../snapshot.ts';
import { act, run, wait, type Rule } from './rule.ts';

/** How long a better candidate may take, for each one that is better. */
const TURN = 250;
/** How long nothing may be asked for before a pledge is withdrawn. */
const CALM = 300;

/** A failover to this member for which an operator accepts what is lost. */
export const lossAccepted = (s: Snapshot): Extract<Intent, { kind: 'failover' }> | undefined =>
  s.view?.intents
    .map(({ value }) => value)
    .find(
      (v): v is Extract<Intent, { kind: 'failover' }> =>
        v.kind === 'failover' && v.outcome === undefined && v.to === s.m.self.name && v.allowDataLoss,
    );

/** A replica that could give a pledge, or lead by pledges. */
const follows = (s: Snapshot): boolean =>
  s.m.reign === undefined &&
  s.view !== undefined &&
  s.running?.role === 'replica' &&
  !s.m.mayBePrimary &&
  lossAccepted(s) === undefined;

const wanted = (s: Snapshot): boolean => follows(s) && pledgeWanted(s.m);

const stoppedHere = (s: Snapshot): boolean =>
  s.view !== undefined && s.m.pledging.stopped !== undefined && s.m.pledging.stopped.term === newestTerm(s.view);

const election = (s: Snapshot): Election | undefined =>
  s.view !== undefined && hasPledged(s.m) ? electionOf(s.view, selfVoter(s.m), s.positions) : undefined;

/** What keeps this member from leading although nothing would be lost. */
const unfit = (s: Snapshot): readonly string[] => {
  if (s.m.stopping !== 'no') return ['this member is about to stop'];
  const own = ownRank(s, true);
  // Its tags, and everything else that could forbid it, are judged by its record.
  if (own === undefined) return ['this member has not published itself yet'];
  return own.reasons
    .filter((r) => (r.blocks && r.code !== 'is-leader') || r.code === 'not-in-failsafe')
    .map((r) => r.text);
};

/** Members that pledged, may lead, and come before this one: further, or preferred. */
const before = (s: Snapshot): readonly MemberName[] => {
  const { view, positions } = s;
  const own = view?.pledges.get(s.m.self.name)?.value.position;
  const record = view?.members.get(s.m.self.name)?.value;
  if (view === undefined || own === undefined || record === undefined) return [];
  return [...pledgesOf(view).values()].flatMap(({ value }) => {
    const other = view.members.get(value.member)?.value;
    if (other === undefined || other.name === record.name || value.position === undefined) return [];
    if (other.tags.nofailover || other.tags.failoverPriority <= 0 || other.role !== 'replica') return [];
    if (isBetter(value.position, own, positions)) return [other.name];
    if (isBetter(own, value.position, positions)) return [];
    const prefers = other.tags.failoverPriority - record.tags.failoverPriority;
    return prefers > 0 || (prefers === 0 && other.name < record.name) ? [other.name] : [];
  });
};

const askedFor = (s: Snapshot): number =>
  s.m.pledgeWantedSince === undefined ? 0 : elapsedAtLeast(s.m.pledgeWantedSince, s.m.now);

/** Pledges and the elections that rest on them: nobody leads who could lack an acknowledged write (rules D9 to D11; R3). */
export const pledgeRules: readonly Rule[] = [
  {
    id: 'pledge.stop-receiving',
    why: 'the leader is lost or fenced, and writes are promised: receiving is ended for good, so that a pledge of it stays true (D11)',
    when: (s) =>
      wanted(s) &&
      !hasPledged(s.m) &&
      !stoppedHere(s) &&
      s.m.task?.task.kind !== 'fence' &&
      !backingOff(s, 'stop-receiving'),
    then: (s) => {
      const term = s.view === undefined ? undefined : newestTerm(s.view);
      if (term === undefined) return wait('');
      return run({ kind: 'stop-receiving', term }, 'then pledge', [`term ${term}`]);
    },
  },
  {
    id: 'pledge.give',
    why: 'nothing is received any more: say so with the end of everything received, in a register that is never deleted (D11)',
    when: (s) => wanted(s) && !hasPledged(s.m) && stoppedHere(s),
    then: (s) =>
      act(
        'then elect',
        [{ do: 'pledge', position: s.m.pledging.stopped?.position }],
        [`term ${s.m.pledging.stopped?.term}`],
      ),
  },
  {
    id: 'pledge.settle',
    why: 'a write to the own register may still come: another one is done first, and nothing is received before (D2, D11)',
    when: (s) => s.m.reign === undefined && s.m.pledging.unsettled && keepsRegister(s.m) && !wanted(s),
    then: () => act('then follow the leader', [{ do: 'pledge', position: undefined }], [], 100),
  },
  {
    id: 'pledge.withdraw',
    why: 'the leader of the term lives after all: the pledge is withdrawn before anything is received again (D11)',
    when: (s) => s.m.reign === undefined && hasPledged(s.m) && !pledgeWanted(s.m) && calm(s),
    then: () => act('then follow the leader again', [{ do: 'pledge', position: undefined }], [], 100),
  },
  {
    id: 'election.by-pledges-unfit',
    why: 'enough have pledged for an election, but this member must not lead',
    when: (s) => wanted(s) && election(s)?.kind === 'elected' && unfit(s).length > 0,
    then: (s) => wait('follow whoever is elected', unfit(s), 300),
  },
  {
    id: 'election.by-pledges-silence',
    why: 'a leader that promised nothing may still have its right: it is waited out besides the pledges (D5, D9)',
    when: (s) => {
      const found = wanted(s) ? election(s) : undefined;
      return found?.kind === 'elected' && !found.clears && s.silenceLeft > 0;
    },
    then: (s) => wait('lead when the silence is complete', [`${Math.round(s.silenceLeft)} ms left`], s.silenceLeft),
  },
  {
    id: 'election.by-pledges-give-way',
    why: 'another member that pledged comes first: it has more, or is preferred',
    when: (s) =>
      wanted(s) &&
      election(s)?.kind === 'elected' &&
      before(s).length > 0 &&
      askedFor(s) < TURN * (1 + before(s).length),
    then: (s) => wait('lead if it does not', [`before this one: ${before(s).join(', ')}`], 50),
  },
  {
    id: 'election.by-pledges',
    why: 'enough voters have stopped receiving, and nobody of them has more: no acknowledged write can be lost, and the predecessor can acknowledge none (D9, D10)',
    when: (s) => wanted(s) && election(s)?.kind === 'elected',
    then: (s) => {
      const found = election(s);
      if (found?.kind !== 'elected') return wait('');
      const how = s.view?.leader === undefined ? 'acquire' : 'take-over';
      const members = found.pledges.map(({ value }) => value.member).join(', ');
      const reason = `nothing lost (proved by quorum: ${members} pledged)`;
      return act(
        'then set what the database demands, and promote',
        [{ do: 'lead', how, reason, pledges: found.pledges, clears: found.clears }],
        [reason],
      );
    },
  },
  {
    id: 'election.by-pledges-wait',
    why: 'the leader is lost, and acknowledged writes could be missing on those that have pledged so far: nobody leads before enough have',
    when: (s) => wanted(s) && hasPledged(s.m),
    then: (s) =>
      act(
        'lead when enough have pledged; a member that comes back can pledge; haagentctl failover --allow-data-loss leads without them',
        [],
        explain(s),
        100,
      ),
  },
];

const explain = (s: Snapshot): readonly string[] => {
  const found = election(s);
  if (found === undefined) return [];
  if (found.kind === 'behind') return [`${found.better} has more and should lead`, ...found.reasons];
  return found.kind === 'short' ? found.reasons : [];
};

/** Nobody has asked for a pledge for a while, or the leader was just heard. */
const calm = (s: Snapshot): boolean =>
  !binds(s.view) ||
  suspects(s.m) === undefined ||
  (s.m.sight !== undefined && elapsedAtMost(s.m.sight.lastSign, s.m.now) < CALM);
