import type { Acknowledgement } from '../database.ts';
import type { Memory } from '../memory.ts';
import type { SyncEntry } from '../model.ts';
import type { PositionAlgebra } from '../position.ts';
import type { Reign } from '../reign.ts';
import type { Snapshot } from '../snapshot.ts';
import { binds, dated, ownEntry, pledgesOf, satisfiesAll } from './promise.ts';
import { NOBODY, protects, voterName } from './sets.ts';
import { nextDemandStep } from './steps.ts';
import { connectedVoters, wantedDemand } from './voters.ts';

/** What a leader does next so that etcd never promises more than its database enforces (rules D7, D8; I8). */
export type DurabilityStep =
  | { readonly kind: 'acknowledge'; readonly from: Acknowledgement | undefined; readonly wanted: Acknowledgement }
  /** A commit under what is in force, where the voters do not tell how far they are: it proves that enough have everything before it. */
  | { readonly kind: 'commit'; readonly why: string }
  | { readonly kind: 'publish'; readonly entries: readonly SyncEntry[]; readonly says: string }
  | { readonly kind: 'wait'; readonly why: string };

/** Something is promised, or shall be, or the database still demands something: else all of this is left alone. */
export const concerned = (s: Snapshot): boolean =>
  s.m.settings.replication.mode !== 'async' ||
  s.view?.sync !== undefined ||
  (s.running?.acknowledgement?.acks ?? 0) > 0;

export const selfVoter = (m: Memory): string => voterName(m.self.name, m.instance);

/** The promise that this leader's database must keep; nobody where it has made none. */
export const published = (m: Memory): Acknowledgement =>
  (m.view === undefined ? undefined : ownEntry(m.view, selfVoter(m))) ?? NOBODY;

/** Enough voters have pledged for this leader's term: it cannot acknowledge any more, and another may lead (A17). */
export const revoked = (m: Memory): boolean => {
  if (m.view === undefined || !binds(m.view)) return false;
  const pledged = new Set(pledgesOf(m.view).keys());
  return pledged.size > 0 && satisfiesAll(m.view, pledged);
};

/** The next step of a leader whose database is primary; undefined when all is as it should be. */
export const durabilityStep = (s: Snapshot, reign: Reign): DurabilityStep | undefined => {
  const { m, view, running } = s;
  if (view === undefined || running === undefined || !concerned(s)) return undefined;
  if (m.task?.task.kind === 'acknowledge') return { kind: 'wait', why: 'the database is being set' };
  if (m.flights.some(({ purpose }) => purpose.kind === 'publish')) return { kind: 'wait', why: 'being published' };
  if (revoked(m)) return { kind: 'wait', why: 'voters have pledged: nothing is changed any more' };
  const own = ownEntry(view, selfVoter(m));
  const entry = (demand: Acknowledgement): SyncEntry => ({
    term: reign.term,
    leader: selfVoter(m),
    voters: demand.voters,
    acks: demand.acks,
  });
  // Written again as it is: whatever was sent before, and not answered, can then never happen any more (rule D2).
  if (m.demand.unsettled)
    return {
      kind: 'publish',
      entries: view.sync === undefined ? [entry(NOBODY)] : dated(view),
      says: 'the promise as it stands, so that nothing sent before can change it',
    };
  const promised = own ?? NOBODY;
  const wanted = wantedDemand(m, running) ?? promised;
  const { proven } = m.demand;
  if (proven === undefined)
    return { kind: 'acknowledge', from: undefined, wanted: promised.acks > 0 ? promised : wanted };
  const alive = connectedVoters(running);
  const step = nextDemandStep({ database: proven, published: promised, wanted, alive });
  if (step?.kind === 'database') return { kind: 'acknowledge', from: proven, wanted: step.demand };
  const demand = step?.demand ?? wanted;
  if (step === undefined && view.sync?.value.length === 1 && own !== undefined) return undefined;
  if (!covered(m, running, demand, s.positions)) {
    const why = `waiting until ${demand.acks} of ${demand.voters.join(', ')} have everything`;
    const told = running.replicas.some(({ flushed }) => flushed !== undefined);
    return !told && !m.demand.committed && protects(proven, demand) ? { kind: 'commit', why } : { kind: 'wait', why };
  }
  return { kind: 'publish', entries: [entry(demand)], says: describeDemand(demand) };
};

/**
 * The barrier of rule D8: everything up to when the present demand had been proven is kept by enough of the new voters. What
 * came after it is acknowledged under that demand, which protects the new promise.
 */
const covered = (
  m: Memory,
  running: NonNullable<Snapshot['running']>,
  demand: Acknowledgement,
  positions: PositionAlgebra,
): boolean => {
  if (demand.acks === 0) return !m.settings.replication.strict || m.settings.replication.mode === 'async';
  const { mark, proven, committed } = m.demand;
  // Whoever acknowledged that commit has everything before it, and is in every set that could elect under the new promise.
  if (committed && proven !== undefined && protects(proven, demand)) return true;
  if (mark === undefined) return false;
  const having = running.replicas.filter(({ name, flushed }) => {
    if (flushed === undefined || !demand.voters.includes(name)) return false;
    const order = positions.compare(flushed, mark);
    return order === 'equal' || order === 'ahead';
  });
  return new Set(having.map(({ name }) => name)).size >= demand.acks;
};

/** For people: `any 1 of b~1, c~1`. */
export const describeDemand = ({ voters, acks }: Acknowledgement): string =>
  acks === 0 ? 'no acknowledgement' : `${acks === voters.length ? 'all' : `any ${acks}`} of ${voters.join(', ')}`;
