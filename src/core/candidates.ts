import { termOf, type InstanceId, type MemberName } from './brand.ts';
import type { Known } from './known.ts';
import type { ClusterView, MemberRecord } from './model.ts';
import type { PeerAnswer } from './memory.ts';
import type { Position, PositionAlgebra } from './position.ts';
import type { Settings } from './settings.ts';

/** One reason why a member can, or cannot, lead. Shown to people and to programs alike. */
export interface Reason {
  /** Stable, for programs: `nofailover`, `lag`, `diverged`, `unreachable`, `is-leader`, … */
  readonly code: string;
  /** A sentence for people, with numbers. */
  readonly text: string;
  /** This reason alone keeps the member from leading. */
  readonly blocks: boolean;
}

/** What the ranking says of one member. */
export interface CandidateReport {
  readonly name: MemberName;
  readonly eligible: boolean;
  /** 1 is the best; undefined when not eligible. */
  readonly rank: number | undefined;
  /** How much it lacks of the last leader's position, in the engine's unit; undefined when unknown. */
  readonly lag: number | undefined;
  readonly reasons: readonly Reason[];
}

/** What the ranking is made from. */
export interface RankingInput {
  readonly view: ClusterView;
  readonly settings: Settings;
  readonly positions: PositionAlgebra;
  /** Live answers of the members' agents, own one included; members without one are judged by what they published. */
  readonly answers: ReadonlyMap<MemberName, Known<PeerAnswer>>;
  /** Lag and unreachable agents are forgiven: an operator took the loss on herself. */
  readonly allowDataLoss?: boolean;
}

interface Judged {
  readonly record: MemberRecord;
  readonly position: Position | undefined;
  readonly lag: number | undefined;
  readonly reasons: readonly Reason[];
}

const block = (code: string, text: string): Reason => ({ code, text, blocks: true });
const note = (code: string, text: string): Reason => ({ code, text, blocks: false });

/**
 * Says for EVERY member the ordered reasons why it can or cannot lead, and ranks those that can: position first, then
 * failover_priority, then name. Pure: the agents' election, `why`, dry runs and the API print this same object.
 * Lag is judged against the last leader's heartbeat AND the other members, so that a frozen value cannot block everyone
 * for ever (02 "Losing the leader"). Order: eligible members by rank, then the others by name.
 */
export const rankCandidates = (input: RankingInput): readonly CandidateReport[] => {
  const reference = referencePosition(input);
  const living = livingPositions(input, reference);
  const judged = [...input.view.members.values()].map(({ value }) => judge(value, { reference, living }, input));
  const able = inOrder(
    judged.filter((j) => j.reasons.every((r) => !r.blocks)),
    input.positions,
  );
  const best = able[0]?.position;
  const reports = judged.map((j): CandidateReport => {
    const index = able.indexOf(j);
    return {
      name: j.record.name,
      eligible: index >= 0,
      rank: index >= 0 ? index + 1 : undefined,
      lag: j.lag,
      reasons: index >= 0 ? [...j.reasons, standing(index, j, best, input.positions)] : j.reasons,
    };
  });
  return reports.sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || (a.name < b.name ? -1 : 1));
};

/**
 * Best first: never behind another that comes later; among those, by failover_priority, then name. Positions are only
 * partly ordered (diverged logs are not comparable), so this takes the front of what is left, again and again.
 */
const inOrder = (able: readonly Judged[], positions: PositionAlgebra): readonly Judged[] => {
  const left = able.toSorted(
    (a, b) =>
      b.record.tags.failoverPriority - a.record.tags.failoverPriority || (a.record.name < b.record.name ? -1 : 1),
  );
  const ordered: Judged[] = [];
  while (left.length > 0) {
    const front = left.findIndex((j) => !left.some((other) => isAhead(other, j, positions)));
    ordered.push(...left.splice(Math.max(front, 0), 1));
  }
  return ordered;
};

const isAhead = (a: Judged, b: Judged, positions: PositionAlgebra): boolean =>
  a !== b &&
  a.position !== undefined &&
  b.position !== undefined &&
  positions.compare(a.position, b.position) === 'ahead';

/** What a candidate must not lack more of than max_lag_on_failover, and whose it is. */
interface Measure {
  readonly position: Position;
  /** `the last leader`, or a member's name. */
  readonly of: string;
}

/**
 * The last leader's own published position; not where the member that published it says that it holds other data now: what
 * is gone cannot be waited for, and would block everyone for ever (docs/decisions/0008).
 */
export const referencePosition = ({ view, answers }: Pick<RankingInput, 'view' | 'answers'>): Position | undefined => {
  const last = view.heartbeat?.value;
  const writer = last === undefined ? undefined : answers.get(last.member);
  return writer?.kind === 'known' && writer.value.instance !== last?.instance ? undefined : last?.position;
};

/**
 * The replicas' own positions, as they said just now: a position that the last leader published may be older than what they
 * hold. Not while the leader itself answers: it writes on between two answers, and nothing that it holds is in danger.
 */
const livingPositions = (
  { view, answers, positions }: RankingInput,
  reference: Position | undefined,
): readonly Measure[] => {
  const leads = view.leader?.value;
  const leader = leads === undefined ? undefined : answers.get(leads);
  if (leader?.kind === 'known' && leader.value.holdsRight) return [];
  return [...answers.values()].flatMap((answer) => {
    if (answer.kind === 'unknown' || answer.value.position === undefined || answer.value.role !== 'replica') return [];
    const { name, instance, position } = answer.value;
    // The lost tail of a former leader is nothing to wait for either.
    const lost = reference !== undefined && positions.compare(position, reference) === 'diverged';
    return view.members.get(name)?.value.instance === instance && !lost ? [{ of: name, position }] : [];
  });
};

/**
 * The last leader may go on without etcd, by the promises of those that it listed: not when it said that it is fenced, nor where
 * the member itself says that it holds other data now (rule D15, docs/decisions/0021).
 */
const goesOnWithout = ({ view, answers }: RankingInput, record: MemberRecord): boolean => {
  // Who holds the key has taken it over that very list.
  if (view.leader?.value === record.name) return false;
  const last = view.heartbeat;
  if (last === undefined) return true;
  if (last.value.released || view.fenced.has(last.value.term ?? termOf(last.modRevision))) return false;
  const writer = answers.get(last.value.member);
  return writer?.kind !== 'known' || writer.value.instance === last.value.instance || writer.value.leads;
};

/** What candidates are measured against. */
interface Measures {
  readonly reference: Position | undefined;
  readonly living: readonly Measure[];
}

const judge = (record: MemberRecord, measures: Measures, input: RankingInput): Judged => {
  const answer = input.answers.get(record.name);
  const live = answer?.kind === 'known' ? answer.value : undefined;
  const position = live?.position ?? record.position;
  const reasons: Reason[] = [];
  const { tags } = record;
  if (input.view.leader?.value === record.name) reasons.push(block('is-leader', 'it holds the leader key'));
  if (tags.nofailover) reasons.push(block('nofailover', 'its tag nofailover is set'));
  else if (tags.failoverPriority <= 0)
    reasons.push(block('priority-zero', 'its failover_priority is 0, which means never'));
  if (answer?.kind === 'unknown') {
    const reason = `its agent does not answer: ${answer.why}`;
    reasons.push(input.allowDataLoss === true ? note('unreachable', reason) : block('unreachable', reason));
  }
  const listed = goesOnWithout(input, record) ? input.view.failsafe?.value.members : undefined;
  if (listed !== undefined && !listed.some(({ name }) => name === record.name)) {
    const reason = 'the last leader, which may go on without etcd, has not yet counted it among those it would ask';
    reasons.push(input.allowDataLoss === true ? note('not-in-failsafe', reason) : block('not-in-failsafe', reason));
  }
  if (live?.unfit !== undefined)
    reasons.push(input.allowDataLoss === true ? note('unfit', live.unfit) : block('unfit', live.unfit));
  const instance: InstanceId = live?.instance ?? record.instance;
  if (instance !== record.instance)
    reasons.push(block('other-instance', 'its data was replaced since it published itself'));
  const state = live?.state ?? record.state;
  if (!['running', 'streaming', 'catching-up'].includes(state))
    reasons.push(block('not-running', `its database is ${state}, not a running replica`));
  if (position === undefined) {
    if (state === 'running' || state === 'streaming' || state === 'catching-up')
      reasons.push(block('no-position', 'how far its log reaches is not known'));
    return { record, position, lag: undefined, reasons };
  }
  const measured = measure(position, measures, input);
  return { record, position, lag: measured.lag, reasons: [...reasons, ...measured.reasons] };
};

const measure = (
  position: Position,
  { reference, living }: Measures,
  { positions, settings, allowDataLoss }: RankingInput,
): { readonly lag: number | undefined; readonly reasons: readonly Reason[] } => {
  /** With the loss accepted, neither lag nor a last leader whose log forked may block anyone. */
  const forgivable = allowDataLoss === true ? note : block;
  const limit = settings.replication.maxLagOnFailover;
  const notes =
    reference === undefined ? [note('no-reference', 'the last leader published no position that stands')] : [];
  if (reference !== undefined && positions.compare(position, reference) === 'diverged') {
    const text = `its log (${positions.describe(position)}) diverged from the last leader's (${positions.describe(reference)})`;
    return { lag: undefined, reasons: [forgivable('diverged', text)] };
  }
  const behind = (other: Position): number =>
    positions.compare(position, other) === 'behind' ? positions.distance(position, other) : 0;
  const worst = living.reduce(
    (most, { of, position: theirs }) => (behind(theirs) > most.lacks ? { of: `${of}'s`, lacks: behind(theirs) } : most),
    { of: "the last leader's", lacks: reference === undefined ? 0 : behind(reference) },
  );
  const lag = reference === undefined && living.length === 0 ? undefined : worst.lacks;
  if (worst.lacks <= limit) return { lag, reasons: notes };
  const text = `it lacks ${lag} ${positions.unit} of ${worst.of} position, more than max_lag_on_failover (${limit})`;
  return { lag, reasons: [...notes, forgivable('lag', text)] };
};

const standing = (index: number, j: Judged, best: Position | undefined, positions: PositionAlgebra): Reason => {
  const lacks = j.lag === undefined ? '' : `, ${j.lag} ${positions.unit} behind the last leader`;
  if (index === 0) return note('best', `it is the best candidate${lacks}`);
  const order = j.position === undefined || best === undefined ? 'equal' : positions.compare(j.position, best);
  const why =
    order === 'behind' && j.position !== undefined && best !== undefined
      ? `the best one is ${positions.distance(j.position, best)} ${positions.unit} ahead of it`
      : 'it stands as far as the best one, which comes first by failover_priority or name';
  return note('worse', `number ${index + 1}: ${why}${lacks}`);
};
