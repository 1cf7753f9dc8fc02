import { bug, pair, type Bug } from './bug.ts';

/** Promises, pledges and elections by them: D7 to D11. The numbers are those of the design's model of quorum replication. */
export const quorumBugs: readonly Bug[] = [
  pair(
    'pledge-while-receiving',
    'D11: the pledge is recorded while the receiver runs (model Q1)',
    bug(
      'nothing-is-stopped',
      'receiving is taken for ended',
      'core/rules/pledge.ts',
      's.view !== undefined && s.m.pledging.stopped !== undefined && s.m.pledging.stopped.term === newestTerm(s.view)',
      's.view !== undefined',
    ),
    bug(
      'position-as-it-is',
      'the end of what was received so far is pledged',
      'core/rules/pledge.ts',
      'position: s.m.pledging.stopped?.position',
      'position: s.running?.position',
    ),
  ),
  bug(
    'pledges-not-compared',
    'D9: the take-over does not compare the pledges that it rests on (model Q2)',
    'core/proposals.ts',
    '...(input.pledges ?? []).map(',
    '...(input.pledges ?? []).slice(9).map(',
  ),
  bug(
    'database-weakened-first',
    'D7: the database is weakened before etcd promises less (model Q4)',
    'core/quorum/steps.ts',
    'if (!there && protects(wanted, published))',
    'if (!there)',
  ),
  {
    ...bug(
      'publication-compares-nothing',
      'D8: the list is written without comparing term and list (model Q5)',
      'core/proposals.ts',
      'compare: [compare(LEADER, revisionOf(term)), compare(SYNC, at(view.sync))],',
      'compare: [],',
    ),
    byShape: true,
  },
  bug(
    'voters-replaced',
    'A4: the take-over replaces the promises instead of adding its own (model Q8)',
    'core/actions.ts',
    'return action.overrides === true ? [entry] : withEntry(m.view, entry);',
    'return [entry];',
  ),
  bug(
    'one-pledge-too-few',
    'D9: n - k pledges are enough (model Q14)',
    'core/quorum/sets.ts',
    'pledged.has(voter)).length >= electingSize(entry)',
    'pledged.has(voter)).length >= electingSize(entry) - 1',
  ),
];
