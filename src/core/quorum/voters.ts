import type { Acknowledgement, RunningDatabase } from '../database.ts';
import { elapsedAtMost } from '../instant.ts';
import type { Memory } from '../memory.ts';
import type { ClusterView, MemberRecord } from '../model.ts';
import type { Settings } from '../settings.ts';
import { ownEntry } from './promise.ts';
import { MOST_VOTERS, NOBODY, voterName } from './sets.ts';

/** Which replicas a leader wants acknowledgements from, and of how many (02 "Sync modes"). */

/** After the last voter is gone, and after a promotion, before writes go on without any. */
const ALONE_AFTER = 1_000;
const SETTLE_AFTER_PROMOTION = 4_000;

/** A member whose acknowledgement may count: it could lead with what it acknowledged. */
const mayVote = ({ tags }: MemberRecord): boolean => !tags.nosync && !tags.nofailover && tags.failoverPriority > 0;

const others = (m: Pick<Memory, 'view' | 'self'>): readonly MemberRecord[] =>
  [...(m.view?.members.values() ?? [])].map(({ value }) => value).filter(({ name }) => name !== m.self.name);

/** Voters that are connected to this primary now. */
export const connectedVoters = (running: RunningDatabase): ReadonlySet<string> =>
  new Set(running.replicas.filter(({ state }) => state === 'streaming').map(({ name }) => name));

/** By sync_priority, those that vote already before others, then by name. */
const inOrder = (records: readonly MemberRecord[], now: ReadonlySet<string>): readonly MemberRecord[] =>
  records.toSorted(
    (a, b) =>
      b.tags.syncPriority - a.tags.syncPriority ||
      Number(now.has(voterName(b.name, b.instance))) - Number(now.has(voterName(a.name, a.instance))) ||
      (a.name < b.name ? -1 : 1),
  );

/**
 * The demand that these members can bear under the settings; `instead` are voters to fall back on where strict forbids to have fewer.
 * undefined: strict, and not even with those are there enough.
 */
const demandOf = (
  { mode, acks, strict }: Settings['replication'],
  able: readonly string[],
  instead: readonly string[],
): Acknowledgement | undefined => {
  if (mode === 'async') return NOBODY;
  const short = strict && able.length < acks;
  const from = short
    ? [...able, ...instead.filter((voter) => !able.includes(voter)).slice(0, acks - able.length)]
    : able;
  if (strict && from.length < acks) return undefined;
  const voters = from.slice(0, mode === 'sync' ? acks : MOST_VOTERS);
  return { voters, acks: Math.min(acks, voters.length) };
};

/**
 * What the running leader wants. A replica becomes a voter when it streams and lags little, and stays one as long as it is connected. Where
 * none is left, not strict: nobody, after a moment. undefined: leave it as it is.
 */
export const wantedDemand = (m: Memory, running: RunningDatabase): Acknowledgement | undefined => {
  const { replication } = m.settings;
  if (m.view === undefined) return undefined;
  const entry = ownEntry(m.view, voterName(m.self.name, m.instance));
  const now = new Set(entry?.voters);
  const near = new Set(
    running.replicas
      .filter((each) => each.state === 'streaming')
      .filter((each) => now.has(each.name) || (each.lag !== undefined && each.lag <= replication.maxLagOnVoter))
      .map(({ name }) => name),
  );
  const records = inOrder(others(m).filter(mayVote), now);
  const name = (record: MemberRecord): string => voterName(record.name, record.instance);
  const able = records.map(name).filter((voter) => near.has(voter));
  const wanted = demandOf(replication, able, [...now, ...records.map(name)]);
  // Voters that are there but leave by plan are not waited for.
  const gone = ![...connectedVoters(running)].some((voter) => now.has(voter));
  if (wanted?.acks === 0 && replication.mode !== 'async' && (entry?.acks ?? 0) > 0 && gone && !longAlone(m))
    return undefined;
  return wanted;
};

/** No voter has been there for long enough to go on without one. */
const longAlone = ({ demand, reign, now }: Memory): boolean =>
  demand.aloneSince !== undefined &&
  elapsedAtMost(demand.aloneSince, now) >= ALONE_AFTER &&
  reign !== undefined &&
  elapsedAtMost(reign.since, now) >= SETTLE_AFTER_PROMOTION;

/**
 * What a new leader promises in the transaction that makes it one (rule D9). Its voters are the members in `present`, which are about to
 * follow it. undefined: nothing is to be added, because nothing is promised and nothing shall be.
 */
export const firstDemand = (
  view: ClusterView,
  settings: Settings,
  leader: MemberRecord['name'],
  present: ReadonlySet<string>,
): Acknowledgement | undefined => {
  const promised = view.sync?.value.some(({ acks }) => acks > 0) === true;
  // No older promise protects what is in the log already, and no voter has been seen to have it: nothing is promised before a
  // barrier (D8, docs/decisions/0024).
  if (!promised) return settings.replication.mode === 'async' ? undefined : NOBODY;
  const records = inOrder(
    [...view.members.values()].map(({ value }) => value).filter((r) => r.name !== leader && mayVote(r)),
    new Set(view.sync?.value.at(-1)?.voters),
  );
  const all = records.map((record) => voterName(record.name, record.instance));
  const last = view.sync?.value.at(-1);
  const instead = [...all, ...(last === undefined ? [] : [last.leader, ...last.voters])].filter(
    (voter) => !voter.startsWith(`${leader}~`),
  );
  return (
    demandOf(
      settings.replication,
      all.filter((voter) => present.has(voter)),
      instead,
    ) ?? NOBODY
  );
};
