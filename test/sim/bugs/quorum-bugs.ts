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
    'publication-is-read-back',
    'D2: an unknown publication is only read back (model Q6)',
    'core/absorb.ts',
    "outcome.kind === 'applied' && m.reign?.term === term ? { ...m, demand",
    'm.reign?.term === term ? { ...m, demand',
  ),
  bug(
    'no-barrier',
    'D8: a promise is published without a barrier (model Q7)',
    'core/quorum/durability.ts',
    'if (!covered(m, running, demand, s.positions))',
    'if (m === undefined)',
  ),
  bug(
    'voters-replaced',
    'A4: the take-over replaces the promises instead of adding its own (model Q8)',
    'core/actions.ts',
    'return action.overrides === true ? [entry] : withEntry(m.view, entry);',
    'return [entry];',
  ),
  bug(
    'not-the-best',
    'D9: a member leads by the pledges of one that has more (model Q13)',
    'core/quorum/election.ts',
    'value.position !== undefined && !isBetter(value.position, own, positions)',
    'value.position !== undefined',
  ),
  bug(
    'one-pledge-too-few',
    'D9: n - k pledges are enough (model Q14)',
    'core/quorum/sets.ts',
    'pledged.has(voter)).length >= electingSize(entry)',
    'pledged.has(voter)).length >= electingSize(entry) - 1',
  ),
  bug(
    'pledge-not-settled',
    'D11: receiving begins again although a pledge may still come to stand (model Q15)',
    'core/absorb.ts',
    "if (outcome.kind !== 'applied') return m;\n  const settled",
    "if (outcome.kind === 'failed') return m;\n  const settled",
  ),
  bug(
    'pledged-and-receiving',
    'D11: the receiver of a member that has pledged is started again (model Q10, Q11)',
    'core/quorum/receiving.ts',
    '!keepsRegister(m) || (!m.pledging.unsettled && !hasPledged(m))',
    'm !== undefined',
  ),
  bug(
    'end-of-receiving-is-kept',
    'D11: the end of what was received is pledged although receiving had begun again',
    'core/actions.ts',
    'RECEIVES.includes(task.kind) ? { ...m.pledging, stopped: undefined } : m.pledging',
    'm.pledging',
  ),
];
