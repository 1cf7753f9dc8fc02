import { bug, pair, type Bug } from './bug.ts';

/** Promises, pledges and elections by them: D7 to D11. The numbers are those of the design's model of quorum replication. */
export const quorumBugs: readonly Bug[] = [
  {
    ...pair(
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
  },
  {
    ...bug(
      'pledges-not-compared',
      'D9: the take-over does not compare the pledges that it rests on (model Q2)',
      'core/proposals.ts',
      '...(input.pledges ?? []).map(',
      '...(input.pledges ?? []).slice(9).map(',
    ),
    profile: 'voters',
  },
  {
    ...bug(
      'promises-not-compared',
      'D3: the take-over does not compare the list of promises (model Q3)',
      'core/proposals.ts',
      'compare(SYNC, at(view.sync)),\n      // Only',
      '// Only',
    ),
    byShape: true,
  },
  {
    ...bug(
      'publication-is-settled',
      'D2: a publication of unknown outcome is only read back (model Q6)',
      'core/actions.ts',
      'demand: { ...m.demand, unsettled: true }',
      'demand: { ...m.demand, unsettled: false }',
    ),
    profile: 'voters',
  },
  {
    ...bug(
      'no-barrier',
      'D8: a promise is published before its voters have what was acknowledged earlier (model Q7)',
      'core/quorum/durability.ts',
      'return new Set(having.map(({ name }) => name)).size >= demand.acks;',
      'return having.length < 99;',
    ),
    profile: 'voters',
  },
  {
    ...bug(
      'withdrawal-compares-no-term',
      'D11: a pledge, or its withdrawal, does not compare the history (model Q10)',
      'core/proposals.ts',
      'compare: [compare(key, at(view.pledges.get(pledge.member))), compare(HISTORY, at(view.history))],',
      'compare: [compare(key, at(view.pledges.get(pledge.member)))],',
    ),
    profile: 'deaf',
  },
  {
    ...bug(
      'not-the-best',
      'D9: one leads although another that pledged has more (model Q13)',
      'core/quorum/election.ts',
      "return order === 'diverged' ? positions.generation(a) > positions.generation(b) : order === 'ahead';",
      "return order === 'diverged' && positions.generation(a) < 0;",
    ),
    profile: 'voters',
  },
  {
    ...bug(
      'late-pledge-forgotten',
      'D2, D11: a pledge of unknown outcome is taken for one that did not happen (model Q15)',
      'core/actions.ts',
      'pledging: { ...m.pledging, unsettled: true }',
      'pledging: { ...m.pledging, unsettled: false }',
    ),
    profile: 'deaf',
  },
  {
    ...bug(
      'leader-is-no-elector',
      'D9: the promise of a leader that came back is satisfied by its voters only (model Q17)',
      'core/quorum/sets.ts',
      'pledged.has(entry.leader) || entry.voters',
      'entry.voters',
    ),
    profile: 'losses',
  },
  {
    ...bug(
      'database-weakened-first',
      'D7: the database is weakened before etcd promises less (model Q4)',
      'core/quorum/steps.ts',
      'if (!there && protects(wanted, published))',
      'if (!there)',
    ),
    profile: 'voters',
  },
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
  {
    ...bug(
      'voters-replaced',
      'A4: the take-over replaces the promises instead of adding its own (model Q8)',
      'core/actions.ts',
      'return action.overrides === true ? [{ ...entry, ...NOBODY }] : withEntry(m.view, entry);',
      'return [entry];',
    ),
    profile: 'voters',
  },
  {
    ...bug(
      'one-pledge-too-few',
      'D9: n - k pledges are enough (model Q14)',
      'core/quorum/sets.ts',
      'pledged.has(voter)).length >= electingSize(entry)',
      'pledged.has(voter)).length >= electingSize(entry) - 1',
    ),
    profile: 'voters',
  },
];
