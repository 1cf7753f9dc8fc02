import { ms } from '../core/brand.ts';
import type { CandidateReport } from '../core/candidates.ts';
import type { AgentStatus } from '../core/status.ts';
import { createRank } from '../state/operation-rank.ts';
import type { ApiDeps } from './deps.ts';
import { createShared } from './shared.ts';

/** Everyone who asks within this time gets the same ranking, so that a flood of requests asks each agent once. */
const KEEP_FOR = ms(1_000);

/**
 * Returns what ranks the members from what their agents say now. The ranking in the status is made from the last
 * election's answers and from published positions, which are old in a quiet cluster: it would blame members for nothing.
 */
export const createLiveRanking = (
  deps: ApiDeps,
  closing: AbortSignal,
): ((status: AgentStatus) => Promise<readonly CandidateReport[]>) => {
  const rank = createRank({ peers: deps.peers, positions: deps.positions, within: true });
  const shared = createShared(deps.clock, KEEP_FOR, async () => {
    const view = deps.status()?.view;
    return view === undefined ? undefined : rank(view, { allowDataLoss: false, signal: closing });
  });
  return async (status) => (await shared()) ?? status.candidates;
};
