import { failuresOf, type Snapshot } from '../snapshot.ts';
import { peersFresh } from './handover-rules.ts';
import { bestOther, notFailingOver, othersNoticed } from './leader.ts';
import { act, run, wait, type Action, type Decision, type Rule } from './rule.ts';

/** It leads, nothing else is under way, and its database cannot do its work. */
const fails = (s: Snapshot): boolean =>
  s.m.reign !== undefined &&
  s.running?.role === 'primary' &&
  s.running.failing !== undefined &&
  s.m.handover === undefined &&
  s.m.stopping === 'no';

const hand = (s: Snapshot, reasons: readonly string[]): Decision => {
  const to = bestOther(s)?.name;
  const actions: readonly Action[] =
    to === undefined ? [] : [{ do: 'begin-handover', to, intent: undefined, reason: 'the database cannot write' }];
  return act('then rejoin as a replica', actions, reasons);
};

/**
 * A primary whose small periodic write fails (which has closed it for clients), or whose disk is full (02 "Evidence decides the
 * speed": first-hand). With a full disk it can still hand over; with one that does not answer only a fence is left. Never where
 * the others are no better: a fault that would follow the leader anywhere moves nobody.
 */
export const failingRules: readonly Rule[] = [
  {
    id: 'leader.failing-ask',
    quiet: true,
    why: 'the database cannot write: ask who could lead instead',
    when: (s) => fails(s) && !(peersFresh(s, 3_000) && othersNoticed(s)),
    then: () => act('hand over if another member can lead', [{ do: 'ask-peers' }], [], 100),
  },
  {
    id: 'leader.failing-hand-over',
    why: 'the disk of the leader’s database is full, and another member can lead: hand over, nothing is lost',
    when: (s) =>
      fails(s) && s.running?.unfit !== undefined && failuresOf(s, 'stop') === 0 && bestOther(s) !== undefined,
    then: (s) => hand(s, [s.running?.failing ?? '']),
  },
  {
    id: 'leader.failing-fence',
    why: 'the leader’s database does not complete a small write, and another member can lead: fence, then release',
    when: (s) => fails(s) && bestOther(s) !== undefined,
    then: (s) =>
      run({ kind: 'fence', reason: 'the database cannot write' }, 'then release the key', [s.running?.failing ?? '']),
  },
];

/** Behind everything that an operator may ask for. */
export const failingAlone: Rule = {
  id: 'leader.failing-alone',
  why: 'the leader’s database cannot write, and no other member can lead: to move would help nobody',
  when: (s) => fails(s),
  then: (s) =>
    wait(
      'go on when it can write again, or another member can lead',
      [s.running?.failing ?? '', ...notFailingOver(s)],
      1_000,
    ),
};
