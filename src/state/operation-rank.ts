import { ms, type MemberName } from '../core/brand.ts';
import { rankCandidates, type CandidateReport } from '../core/candidates.ts';
import type { Known } from '../core/known.ts';
import type { PeerAnswer } from '../core/memory.ts';
import type { ClusterView } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import { DEFAULT_SETTINGS } from '../core/settings.ts';
import type { Peers } from '../ports/peers.ts';

/** Says who could lead, after asking the members' agents. */
export type Rank = (
  view: ClusterView,
  how: { readonly allowDataLoss: boolean; readonly signal: AbortSignal },
) => Promise<readonly CandidateReport[]>;

const ASK_TIMEOUT = ms(500);
/** Nobody waits for a switchover while a command line asks. */
const OUTSIDE_TIMEOUT = ms(2_000);
const NOT_ASKED = 'not-asked';

/**
 * Ranks by the core's own function. `within`: whoever asks is a member of the cluster, so an agent that does not answer
 * counts as unreachable. From outside (the command line) that says nothing about the cluster: such a member is judged by
 * what it published, its published position, which may be old, blocks nothing, and its report says that it did not answer.
 */
export const createRank =
  (deps: { readonly peers: Peers; readonly positions: PositionAlgebra; readonly within: boolean }): Rank =>
  async (view, { allowDataLoss, signal }) => {
    const members = [...view.members.values()].map(({ value }) => ({ name: value.name, url: value.apiUrl }));
    const asked = await deps.peers.ask(members, { timeout: deps.within ? ASK_TIMEOUT : OUTSIDE_TIMEOUT, signal });
    const answers = deps.within ? asked : onlyKnown(asked);
    const settings = view.settings?.value ?? DEFAULT_SETTINGS;
    const rank = (forgive: boolean): readonly CandidateReport[] =>
      rankCandidates({ view, settings, positions: deps.positions, answers, allowDataLoss: forgive });
    if (deps.within) return rank(allowDataLoss);
    const forgiven = new Map(rank(true).map((report) => [report.name, report]));
    return rank(allowDataLoss).map((report) =>
      answers.has(report.name) ? report : unasked(forgiven.get(report.name) ?? report, asked.get(report.name)),
    );
  };

/** What stands behind a report whose member's agent was not heard: a hung one must not pass for a good one unnoticed. */
const unasked = (report: CandidateReport, answer: Known<PeerAnswer> | undefined): CandidateReport => ({
  ...report,
  reasons: [
    ...report.reasons,
    {
      code: NOT_ASKED,
      text: `its agent does not answer from here (${answer?.kind === 'unknown' ? answer.why : 'its address is not known'}): judged by what it published; the leader asks it before anything is done`,
      blocks: false,
    },
  ],
});

/** What is not proven of a member that could not be asked; undefined when it was. */
export const unprovenOf = (report: CandidateReport | undefined): string | undefined => {
  const reason = report?.reasons.find(({ code }) => code === NOT_ASKED);
  return reason === undefined ? undefined : `whether ${report?.name} can take over: ${reason.text}`;
};

const onlyKnown = (answers: ReadonlyMap<MemberName, Known<PeerAnswer>>): ReadonlyMap<MemberName, Known<PeerAnswer>> =>
  new Map([...answers].filter(([, answer]) => answer.kind === 'known'));
