import { bug, pair, type Bug } from './bug.ts';

const noSecondLook = bug(
  'no-second-look',
  'D17: eligibility is not looked at again when the key is held',
  'core/rules/leader.ts',
  "return (ownRank(s, forced)?.reasons ?? []).filter((r) => r.blocks && r.code !== 'is-leader').map((r) => r.text);",
  'return forced ? [] : [];',
);
const noFirstLook = bug(
  'no-first-look',
  'a member stands although the ranking says that it must not',
  'core/rules/election.ts',
  "return own.reasons.filter((r) => r.blocks && r.code !== 'is-leader').map((r) => r.text);",
  'return [];',
);

/** Whose data becomes the cluster's, and what is thrown away: I3 to I7, I12, I13; D12, D13, D14, D17. */
export const dataBugs: readonly Bug[] = [
  bug(
    'no-position-check',
    'I4: a candidate may lack any amount of what the last leader had published',
    'core/candidates.ts',
    'if (worst.lacks <= limit)',
    'if (worst.lacks >= 0)',
  ),
  pair(
    'not-eligible',
    'I7, D17: eligibility is looked at neither before nor after the key is held (each alone is held by the other)',
    noFirstLook,
    noSecondLook,
  ),
  {
    ...bug(
      'handover-does-not-wait',
      'D14: the key moves before the candidate has the end of the log',
      'core/handover.ts',
      "if (order === 'equal' || order === 'ahead')\n",
      "if (order !== 'diverged')\n",
    ),
    profile: 'promotions',
  },
  bug(
    'generation-again',
    'I6: a generation that was reserved before is reserved again',
    'core/proposals.ts',
    'Math.max(view.history?.value.generation ?? 1, own) + 1',
    'Math.max(view.history?.value.generation ?? 2, own)',
  ),
  bug(
    'restart-keeps-its-generation',
    'decision 0003: a database restarted in place is promoted again under the same term',
    'core/rules/leader.ts',
    's.running.generation >= (s.m.reign?.generation ?? 0)',
    's.running.generation > (s.m.reign?.generation ?? 0)',
  ),
  bug(
    'ancestry-by-number',
    'I5, A10: whose log is part of whose is told by the number of the timeline',
    'core/rejoin.ts',
    "if (order !== 'diverged') {",
    'if (positions.generation(own) <= positions.generation(leader)) {',
  ),
  bug(
    'creates-a-second-database',
    'I12: a member without data creates a database although the cluster has one',
    'core/rules/upkeep.ts',
    "then: () => wait('copy as soon as a leader is primary'),",
    "then: () => run({ kind: 'initialize' }, 'then lead'),",
  ),
  bug(
    'copies-from-the-dead',
    'I13: data is thrown away before anybody has proven to have a copy',
    'core/rules/upkeep.ts',
    'if (!peersFresh(s)) return act(',
    'if (s.leader !== undefined) return undefined;\n  if (!peersFresh(s)) return act(',
  ),
  bug(
    'instance-ignored',
    'D12: a member whose data was replaced goes on with the leadership of the earlier data (A11, model Q18)',
    'core/reign.ts',
    'if (history.value.member !== self.name || history.value.instance !== self.instance) return undefined;',
    'if (history.value.member !== self.name) return undefined;',
  ),
  bug(
    're-acquires-blindly',
    'D13: a vanished key is taken again although another led meanwhile (A7, model Q12)',
    'core/absorb.ts',
    "if (!nobodySince || !m.mayBePrimary) return loseReign(m, 'the leader key is gone');",
    '',
  ),
];
