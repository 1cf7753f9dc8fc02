import type { MemberName } from '../core/brand.ts';
import type { CandidateReport } from '../core/candidates.ts';
import type { ClusterView, Intent } from '../core/model.ts';
import type {
  FailoverRequest,
  Refused,
  ReinitializeRequest,
  RestartRequest,
  SwitchoverRequest,
} from '../ports/operations.ts';
import { isoTime } from './cluster-document.ts';

/**
 * What speaks against a request as the cluster is now; undefined when nothing does. Pure. The agents check again when they
 * carry the wish out (rule D17): these checks are there so that an operator hears at once what cannot work.
 */
export type Refusal = Refused | undefined;

const refuse = (message: string, hint: string, candidates?: readonly CandidateReport[]): Refused => ({
  kind: 'refused',
  code: 'refused',
  message,
  hint,
  ...(candidates === undefined ? {} : { candidates }),
});

const LOOK = 'haagentctl list shows the cluster.';

export const checkSwitchover = (
  view: ClusterView,
  request: SwitchoverRequest,
  candidates: readonly CandidateReport[],
  wallNow: number,
): Refusal => {
  const leader = view.leader?.value;
  const { from, to, at } = request;
  if (leader === undefined)
    return refuse(
      'The cluster has no leader, so nothing can be switched over.',
      'Name the member to promote: haagentctl failover --candidate NAME.',
    );
  if (from !== undefined && from !== leader) return refuse(`The leader is ${leader}, not ${from}.`, LOOK);
  if (to === leader) return refuse(`${leader} is the leader already.`, LOOK);
  if (to !== undefined && !view.members.has(to)) return noSuchCandidate(view, to);
  const timing = checkSchedule(view, at, wallNow) ?? conflicting(view, ['switchover', 'failover']);
  if (timing !== undefined) return timing;
  if (isPaused(view) && to === undefined)
    return refuse('The cluster is paused: name the member that shall lead.', 'Add the candidate, or resume first.');
  return at === undefined ? checkCandidate(to, candidates) : undefined;
};

const checkCandidate = (to: MemberName | undefined, candidates: readonly CandidateReport[]): Refusal => {
  if (to === undefined)
    return candidates.some((report) => report.eligible)
      ? undefined
      : refuse(
          'No member can take over now.',
          'Each member has its reasons below; haagentctl why shows them too.',
          candidates,
        );
  const report = candidates.find(({ name }) => name === to);
  if (report?.eligible === true) return undefined;
  return refuse(`${to} cannot take over: ${reasonsOf(report)}.`, `haagentctl why ${to} explains it.`, candidates);
};

export const checkFailover = (
  view: ClusterView,
  request: FailoverRequest,
  candidates: readonly CandidateReport[],
): Refusal => {
  const { to, allowDataLoss } = request;
  if (view.leader?.value === to) return refuse(`${to} is the leader already.`, LOOK);
  if (!view.members.has(to)) return noSuchCandidate(view, to);
  const other = conflicting(view, ['failover']);
  if (other !== undefined) return other;
  const report = candidates.find(({ name }) => name === to);
  if (report?.eligible === true) return undefined;
  const hint = allowDataLoss
    ? 'Losing data would not help here: choose another member, or remove the reason.'
    : 'If acknowledged writes may be lost: --allow-data-loss.';
  return refuse(`${to} cannot take over: ${reasonsOf(report)}.`, hint, candidates);
};

export const checkRestart = (view: ClusterView, request: RestartRequest, wallNow: number): Refusal => {
  if (!view.members.has(request.member)) return noSuchMember(view, request.member);
  return checkSchedule(view, request.at, wallNow) ?? conflicting(view, ['restart', 'reinitialize'], request.member);
};

export const checkReinitialize = (view: ClusterView, request: ReinitializeRequest): Refusal => {
  const { member } = request;
  if (!view.members.has(member)) return noSuchMember(view, member);
  if (view.leader?.value === member)
    return refuse(`${member} is the leader: its data is the cluster's.`, 'Switch over first, then reinitialize it.');
  if (view.leader === undefined)
    return refuse('The cluster has no leader to copy from.', 'Wait for one, or see haagentctl why.');
  return conflicting(view, ['restart', 'reinitialize'], member);
};

const checkSchedule = (view: ClusterView, at: number | undefined, wallNow: number): Refusal => {
  if (at === undefined) return undefined;
  if (at <= wallNow)
    return {
      kind: 'refused',
      code: 'schedule-invalid',
      message: `${isoTime(at)} has passed already.`,
      hint: `It is ${isoTime(wallNow)} here.`,
    };
  return isPaused(view) ? refuse('The cluster is paused: nothing can be scheduled.', 'Resume first.') : undefined;
};

/** Another wish of such a kind (about the same member) that has not ended. */
const conflicting = (view: ClusterView, kinds: readonly Intent['kind'][], member?: MemberName): Refusal => {
  const other = view.intents
    .map(({ value }) => value)
    .find(
      (intent) =>
        intent.outcome === undefined &&
        kinds.includes(intent.kind) &&
        (member === undefined || ('member' in intent && intent.member === member)),
    );
  if (other === undefined) return undefined;
  const what =
    other.at === undefined ? `A ${other.kind} is under way` : `A ${other.kind} is scheduled for ${isoTime(other.at)}`;
  return {
    kind: 'refused',
    code: 'conflict',
    message: `${what}, asked for by ${other.by} (${other.id}).`,
    hint:
      other.at === undefined && other.kind !== 'failover'
        ? 'Wait for its end.'
        : `Withdraw it first: haagentctl flush ${other.kind}.`,
  };
};

const isPaused = (view: ClusterView): boolean => view.settings?.value.pause === true;

const reasonsOf = (report: CandidateReport | undefined): string => {
  const blocking = report?.reasons.filter((reason) => reason.blocks).map((reason) => reason.text) ?? [];
  return blocking.length === 0 ? 'nothing is known of it' : blocking.join('; ');
};

const noSuchCandidate = (view: ClusterView, name: MemberName): Refused =>
  refuse(`There is no member ${name}.`, `The members are ${names(view)}.`);

const noSuchMember = (view: ClusterView, name: MemberName): Refused => ({
  ...noSuchCandidate(view, name),
  code: 'not-found',
});

const names = (view: ClusterView): string => [...view.members.keys()].sort().join(', ') || 'none';
