import { termOf, type MemberName, type Term } from './brand.ts';
import { rankCandidates, referencePosition, type CandidateReport } from './candidates.ts';
import type { DatabaseView, RunningDatabase, Source } from './database.ts';
import { elapsedAtLeast, elapsedAtMost, remaining } from './instant.ts';
import { known, type Known } from './known.ts';
import type { Memory, PeerAnswer, Task } from './memory.ts';
import type { ClusterView, Intent, Keyed, MemberRecord } from './model.ts';
import type { Position, PositionAlgebra } from './position.ts';
import { promiseLeft } from './promise.ts';
import { binds } from './quorum/promise.ts';
import { mayReceive } from './quorum/receiving.ts';
import { silenceLeft } from './reign.ts';

/** What the rules look at: the memory, and what follows from it by computing alone. */
export interface Snapshot {
  readonly m: Memory;
  readonly positions: PositionAlgebra;
  readonly view: ClusterView | undefined;
  readonly db: DatabaseView | undefined;
  readonly running: RunningDatabase | undefined;
  readonly paused: boolean;
  readonly leader: { readonly name: MemberName; readonly record: MemberRecord | undefined } | undefined;
  /** Milliseconds of silence that a challenger still has to wait out (rule D5). */
  readonly silenceLeft: number;
  /** The last heartbeat's writer has said, or proven, that it is fenced. */
  readonly released: boolean;
  /** Nobody holds the key, or its holder has been silent for its whole right. */
  readonly leaderLost: boolean;
  /** Milliseconds for which this member has promised a leader not to lead (rule D15). */
  readonly promiseLeft: number;
  /** Milliseconds that this member's database may go on as primary. */
  readonly rightLeft: number;
}

export const takeSnapshot = (m: Memory, positions: PositionAlgebra): Snapshot => {
  const { view } = m;
  const db = m.database.kind === 'known' ? asData(m.database.value, view) : undefined;
  const left = m.silence === undefined ? Infinity : silenceLeft(m.silence, m.settings.timing.drift, m.now);
  const released = isReleased(m);
  const held = m.silence?.paused === true && !released;
  const leaderName = view?.leader?.value;
  return {
    m,
    positions,
    view,
    db,
    running: db?.kind === 'running' ? db : undefined,
    paused: m.settings.pause,
    leader: leaderName === undefined ? undefined : { name: leaderName, record: view?.members.get(leaderName)?.value },
    silenceLeft: released ? 0 : held ? Infinity : left,
    released,
    leaderLost: view !== undefined && (view.leader === undefined || (left === 0 && !held)),
    promiseLeft: promiseLeft(m),
    rightLeft: rightLeft(m),
  };
};

/** Data that only a claim made which another member has taken over, and that nobody can have written to. */
const isOutdone = (db: DatabaseView, view: ClusterView | undefined): boolean => {
  const wanted = view?.initialize?.value.systemId;
  return db.kind === 'stopped' && db.pristine === true && wanted !== undefined && db.systemId !== wanted;
};

/** It counts as none: a copy of the cluster's takes its place (I12). */
const asData = (db: DatabaseView, view: ClusterView | undefined): DatabaseView =>
  isOutdone(db, view) ? { kind: 'empty' } : db;

/** Why a copy is needed where the rules see no data. */
export const whyEmpty = ({ m, view }: Snapshot): string =>
  m.database.kind === 'known' && isOutdone(m.database.value, view)
    ? 'the database was made here for a claim that another member took over, and was never used: it is set aside'
    : 'the data directory is empty';

const isReleased = (m: Memory): boolean => {
  const heartbeat = m.view?.heartbeat;
  if (heartbeat === undefined) return m.view !== undefined && m.view.history === undefined && freshBootstrap(m);
  return heartbeat.value.released || m.view?.fenced.has(heartbeat.value.term ?? termOf(heartbeat.modRevision)) === true;
};

/** A cluster that this very instance of the data has just created: it never had a leader (rule D5 has nobody to wait for). */
const freshBootstrap = (m: Memory): boolean =>
  m.view?.initialize?.value.how === 'created' && m.view.initialize.value.instance === m.instance;

/** A guard that this process has not reached yet gets this long before its silence counts as its absence. */
const GUARD_GRACE = 2_000;

/**
 * How long the database may go on as primary. Before this process has a proof of its own, it goes on by the right that the
 * guard still enforces (agent restarted, key re-acquired); the guard itself fences a primary that has none.
 */
const rightLeft = (m: Memory): number => {
  const { reign, guard, now } = m;
  if (reign === undefined && m.view !== undefined) return 0;
  if (reign?.pausePublished === true) return Infinity;
  if (reign?.deadline !== undefined) return remaining(reign.deadline, now);
  if (guard.deadline !== undefined) return remaining(guard.deadline, now);
  if (reign === undefined) return Infinity;
  return guard.alive || elapsedAtMost(reign.since, now) > GUARD_GRACE ? 0 : Infinity;
};

/** The source that a member's record describes. */
export const sourceOf = (record: MemberRecord): Source => ({
  member: record.name,
  host: record.host,
  port: record.port,
  agentUrl: record.apiUrl,
});

/** From whom this member should replicate, where no pledge of its forbids it: its tag replicatefrom where that member is able to, else the leader. */
export const wantedSource = (s: Snapshot): Source | undefined => {
  if (!mayReceive(s.m)) return undefined;
  const wanted = s.m.self.tags.replicatefrom;
  const upstream = wanted === undefined ? undefined : s.view?.members.get(wanted)?.value;
  if (
    upstream !== undefined &&
    upstream.name !== s.m.self.name &&
    upstream.state === 'streaming' &&
    upstream.tags.replicatefrom !== s.m.self.name
  )
    return sourceOf(upstream);
  return leaderSource(s);
};

/** The leader, where that is another member. */
const leaderSource = (s: Snapshot): Source | undefined =>
  s.leader?.record === undefined || s.leader.name === s.m.self.name ? undefined : sourceOf(s.leader.record);

/** From whom to copy the data: a running replica tagged clonefrom where there is one, else the leader. */
export const cloneSource = (s: Snapshot, fromLeader: boolean): Source | undefined => {
  const donors = [...(s.view?.members.values() ?? [])]
    .map(({ value }) => value)
    .filter((r) => r.tags.clonefrom && r.state === 'streaming' && r.name !== s.m.self.name);
  const donor = fromLeader ? undefined : donors[0];
  return donor === undefined ? leaderSource(s) : sourceOf(donor);
};

/** What this member would answer to a peer. */
export const ownAnswer = (s: Snapshot): PeerAnswer | undefined => {
  const { running, m } = s;
  if (running === undefined) return undefined;
  return {
    name: m.self.name,
    instance: m.instance,
    state: running.streaming ? 'streaming' : 'running',
    role: running.role,
    position: running.position,
    applied: running.replay?.applied ?? running.position,
    leads: m.reign !== undefined,
    holdsRight: running.role === 'primary' && s.rightLeft > 0,
    eligible: running.unfit === undefined,
    ...(running.unfit === undefined ? {} : { unfit: running.unfit }),
    ...(m.databaseAt === undefined ? {} : { lookedAgo: elapsedAtMost(m.databaseAt, m.now) }),
  };
};

/** How long the peers' answers say more than what they published. */
const ANSWERS_LAST = 3_000;

/** Rankings of a snapshot: several rules of one step ask for the same one. */
const rankings = new WeakMap<Snapshot, Map<boolean, readonly CandidateReport[]>>();

/** The ranking from what this member knows now: peers' answers, its own database, published records for the rest. */
export const ranking = (s: Snapshot, allowDataLoss = false): readonly CandidateReport[] => {
  const made = rankings.get(s) ?? new Map<boolean, readonly CandidateReport[]>();
  const found = made.get(allowDataLoss) ?? rank(s, allowDataLoss);
  rankings.set(s, made.set(allowDataLoss, found));
  return found;
};

const rank = (s: Snapshot, allowDataLoss: boolean): readonly CandidateReport[] =>
  s.view === undefined
    ? []
    : rankCandidates({
        view: s.view,
        settings: s.m.settings,
        positions: s.positions,
        answers: answersNow(s),
        allowDataLoss,
      });

/** What the members said lately, with what this one would say now. */
const answersNow = (s: Snapshot): ReadonlyMap<MemberName, Known<PeerAnswer>> => {
  const recent =
    s.m.peers !== undefined && elapsedAtMost(s.m.peers.at, s.m.now) <= ANSWERS_LAST ? s.m.peers.answers : [];
  const answers = new Map<MemberName, Known<PeerAnswer>>(recent);
  const own = ownAnswer(s);
  if (own === undefined) answers.delete(s.m.self.name);
  else answers.set(s.m.self.name, known(own));
  return answers;
};

/** Up to where the next leader is measured by what the last one published; undefined where that is gone for good. */
export const standingPosition = (s: Snapshot): Position | undefined =>
  s.view === undefined ? undefined : referencePosition({ view: s.view, answers: answersNow(s) });

/** This member's own line of the ranking; absent when it is not published yet. */
export const ownRank = (s: Snapshot, allowDataLoss = false): CandidateReport | undefined =>
  ranking(s, allowDataLoss).find((r) => r.name === s.m.self.name);

/** The last leader's published position. */
export const leaderPosition = (s: Snapshot): Position | undefined => s.view?.heartbeat?.value.position;

/**
 * What the leader's log surely holds, also before it is primary: a candidate got the key with everything that was handed over, and one that
 * was elected by pledges has what it pledged. Another life of its data would have another instance.
 */
export const leaderReach = (s: Snapshot): Position | undefined => {
  const { history, pledges } = s.view ?? {};
  if (history === undefined || !binds(s.view)) return undefined;
  if (history.value.how === 'hand-over') return leaderPosition(s);
  const pledge = pledges?.get(history.value.member)?.value;
  return pledge?.instance === history.value.instance ? pledge.position : undefined;
};

/** Open intents whose time has come, oldest first. */
export const dueIntents = (s: Snapshot): readonly Keyed<Intent>[] =>
  (s.view?.intents ?? []).filter(
    ({ value }) => value.outcome === undefined && (value.at === undefined || value.at <= s.m.wall),
  );

/** A task of this kind failed just now and has to wait before it is tried again. */
export const backingOff = (s: Snapshot, kind: Task['kind']): boolean =>
  s.m.trouble?.task === kind && remaining(s.m.trouble.notBefore, s.m.now) > 0;

/** How many times in a row a task of this kind failed. */
export const failuresOf = (s: Snapshot, kind: Task['kind']): number =>
  s.m.trouble?.task === kind ? s.m.trouble.count : 0;

/** Milliseconds for which a member could have stood and none has, as this process saw it. */
export const vacantFor = (s: Snapshot): number =>
  s.m.vacantSince === undefined ? 0 : elapsedAtLeast(s.m.vacantSince, s.m.now);

/** The term of the newest heartbeat. */
export const heartbeatTerm = (view: ClusterView): Term | undefined =>
  view.heartbeat === undefined ? undefined : (view.heartbeat.value.term ?? termOf(view.heartbeat.modRevision));
