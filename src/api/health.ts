import { ms, type Ms } from '../core/brand.ts';
import type { RunningDatabase } from '../core/database.ts';
import { elapsedAtMost, remaining, type Instant } from '../core/instant.ts';
import { STATUS_MAX_AGE, type AgentStatus } from '../core/status.ts';
import type { HealthQuery, LagLimit } from './health-query.ts';
import { syncRoleOf } from '../state/sync-role.ts';
import { tagTexts } from '../state/tag-texts.ts';

/**
 * The answers that load balancers act on. Pure: from the agent's last status and the clock at the request, so that they
 * stay true when the agent's loop hangs (invariant I10). `why` is the first thing that keeps the answer from being 200.
 */
type Verdict = { readonly code: 200 } | { readonly code: 503; readonly why: string };

/** A health question: the status may be missing while the agent starts. */
export type HealthCheck = (status: AgentStatus | undefined, now: Instant, query: HealthQuery) => Verdict;

const YES: Verdict = { code: 200 };
const no = (why: string): Verdict => ({ code: 503, why });

const STARTING = no('the agent has not looked at its database yet');
const OLD = no('the agent has not renewed its status for too long: its loop hangs');
const STOPPING = no('the agent is stopping');
const NOT_LEADER = no('this member does not hold the leader key');
const NO_RIGHT = no('the right to lead ends, or its end cannot be ruled out');
const NOT_OPEN = no('this member leads, but its database is not open for clients yet');
const NOT_SEEN = no('the agent has not looked lately whether its voters are there: its loop hangs');
const OTHER_TAGS = no('a tag does not have the value asked for');
const NO_STANDBY_CLUSTER = no('this cluster does not follow another cluster');

/** Status that may be answered from, or why not. */
type Judged =
  { readonly kind: 'usable'; readonly status: AgentStatus } | { readonly kind: 'no'; readonly verdict: Verdict };

const usable = (status: AgentStatus | undefined, now: Instant): Judged => {
  if (status === undefined) return { kind: 'no', verdict: STARTING };
  if (elapsedAtMost(status.madeAt, now) > STATUS_MAX_AGE) return { kind: 'no', verdict: OLD };
  return status.stopping ? { kind: 'no', verdict: STOPPING } : { kind: 'usable', status };
};

/**
 * The right to lead lasts, by the clock at this request (rule D4). It is over for clients when the fence begins,
 * `fence_budget` before the deadline, not when it is complete. Under pause a right does not end by time.
 */
const holdsRight = (status: AgentStatus, now: Instant): boolean => {
  const heartbeat = status.view?.heartbeat?.value;
  if (heartbeat?.paused === true && heartbeat.member === status.name && heartbeat.term === status.term) return true;
  return status.deadline !== undefined && remaining(status.deadline, now) > status.settings.timing.fenceBudget;
};

/** Holds the leader key, as far as it can prove: `/leader`. */
export const leader: HealthCheck = (given, now) => {
  const judged = usable(given, now);
  if (judged.kind === 'no') return judged.verdict;
  if (!judged.status.leads) return NOT_LEADER;
  return holdsRight(judged.status, now) ? YES : NO_RIGHT;
};

/** Takes writes (rule D16): `/primary`, `/read-write`, `/master` and `/`. */
export const primary: HealthCheck = (given, now, query) => {
  const verdict = leader(given, now, query);
  if (verdict.code !== 200) return verdict;
  if (given?.open !== true || given.role !== 'primary') return NOT_OPEN;
  return given.openUntil !== undefined && remaining(given.openUntil, now) <= 0 ? NOT_SEEN : YES;
};

/** No cluster of this version follows another cluster, so no member is ever the leader of one. */
const standbyLeader: HealthCheck = () => NO_STANDBY_CLUSTER;

/** Serves reads as a replica, within the limits of the query: `/replica`. */
export const replica: HealthCheck = (given, now, query) => {
  const judged = usable(given, now);
  if (judged.kind === 'no') return judged.verdict;
  const { status } = judged;
  const database = running(status);
  if (database === undefined) return no(`the database is ${status.state}`);
  if (database.role !== 'replica') return no('the database is the primary');
  if (!status.serving) return no('this replica does not follow the cluster, so what it shows may be wrong');
  if (status.tags.noloadbalance) return no('its tag noloadbalance is set');
  const state = replicationState(database);
  if (
    query.replicationState !== undefined &&
    query.replicationState !== state &&
    query.replicationState !== status.state
  )
    return no(`its replication state is ${state}`);
  const lagging = query.lag === undefined ? YES : within(query.lag, status, database);
  return lagging.code === 200 ? tagged(status, query) : lagging;
};

/** May serve reads, whatever its role: `/read-only`. */
const readOnly: HealthCheck = (status, now, query) => orPrimary(replica)(status, now, query);

/** A replica whose acknowledgement every commit waits for: `/synchronous`. */
const synchronous: HealthCheck = (status, now, query) => withSyncRole('sync_standby')(status, now, query);
/** A replica that counts towards the quorum of acknowledgements: `/quorum`. */
const quorum: HealthCheck = (status, now, query) => withSyncRole('quorum_standby')(status, now, query);
/** A replica that no commit waits for: `/asynchronous`. */
const asynchronous: HealthCheck = (status, now, query) => withSyncRole('replica')(status, now, query);
const readOnlySync: HealthCheck = (status, now, query) => orPrimary(synchronous)(status, now, query);
const readOnlyQuorum: HealthCheck = (status, now, query) => orPrimary(quorum)(status, now, query);

/** The database runs and answers: `/health`. */
const health: HealthCheck = (given, now) => {
  const judged = usable(given, now);
  if (judged.kind === 'no') return judged.verdict;
  return running(judged.status) === undefined ? no(`the database is ${judged.status.state}`) : YES;
};

/** How long an agent may take to its first status before `/liveness` says 503. */
const STARTUP_GRACE: Ms = ms(60_000);

/** The agent's loop runs, whatever the database does: `/liveness`. `since` is when the API began to listen. */
const liveness =
  (since: Instant): HealthCheck =>
  (status, now) => {
    if (status === undefined) return elapsedAtMost(since, now) <= STARTUP_GRACE ? YES : STARTING;
    return elapsedAtMost(status.madeAt, now) > STATUS_MAX_AGE ? OLD : YES;
  };

/** Ready to be counted on in a rolling change: the leader, or a replica that streams and has nearly everything. */
const readiness =
  (writeLag: (status: AgentStatus) => number | undefined): HealthCheck =>
  (given, now, query) => {
    const judged = usable(given, now);
    if (judged.kind === 'no') return judged.verdict;
    const { status } = judged;
    if (leader(status, now, query).code === 200) return YES;
    const database = running(status);
    if (database === undefined) return no(`the database is ${status.state}`);
    if (!database.streaming) return no('the replica does not stream from its source');
    const limit: LagLimit = query.lag ?? { kind: 'amount', amount: status.settings.replication.maxLagOnFailover };
    return query.mode === 'write'
      ? within(limit, { ...status, lag: writeLag(status) }, undefined)
      : within(limit, status, database);
  };

/** Patroni's word for how a replica gets its log. */
export const replicationState = (database: RunningDatabase): 'streaming' | 'in archive recovery' =>
  database.streaming ? 'streaming' : 'in archive recovery';

const running = (status: AgentStatus): RunningDatabase | undefined =>
  status.database.kind === 'known' && status.database.value.kind === 'running' ? status.database.value : undefined;

const orPrimary =
  (other: HealthCheck): HealthCheck =>
  (status, now, query) => {
    const verdict = primary(status, now, query);
    if (verdict.code === 200 && status !== undefined) return tagged(status, query);
    return other(status, now, query);
  };

const withSyncRole =
  (wanted: 'sync_standby' | 'quorum_standby' | 'replica'): HealthCheck =>
  (status, now, query) => {
    const verdict = replica(status, now, query);
    if (verdict.code !== 200 || status === undefined) return verdict;
    const seen = status.viewAt;
    if (status.view === undefined || seen === undefined || elapsedAtMost(seen, now) > status.settings.timing.ttl)
      return no('etcd was not read for longer than the ttl: who is synchronous is not known');
    const role = syncRoleOf(status.view, status.settings.replication.mode, status.name, status.instance);
    return role === wanted ? YES : no(`this replica is ${SYNC_WORDS[role]}`);
  };

const SYNC_WORDS = {
  sync_standby: 'synchronous',
  quorum_standby: 'part of the quorum',
  replica: 'asynchronous',
} as const;

/** A limit that cannot be measured is not kept: not knowing is never taken for no lag. */
const within = (limit: LagLimit, status: AgentStatus, database: RunningDatabase | undefined): Verdict => {
  if (limit.kind === 'unreadable') return no('the lag limit cannot be read: write it as 1048576, 10MB or 5s');
  if (limit.kind === 'age') {
    const delay = database?.replay?.delayMs;
    if (delay === undefined) return no('how old the last applied commit is, is not known');
    return delay <= limit.ageMs
      ? YES
      : no(`the last applied commit is ${delay} ms old, the limit is ${limit.ageMs} ms`);
  }
  if (limit.kind === 'bytes' && status.lagUnit !== 'bytes')
    return no('this engine counts its lag in transactions: ask for a number without a unit, or for a time');
  if (status.lag === undefined) return no('how far this replica is behind is not known');
  const most = limit.kind === 'bytes' ? limit.bytes : limit.amount;
  return status.lag <= most ? YES : no(`it is ${status.lag} ${status.lagUnit} behind, the limit is ${most}`);
};

const tagged = (status: AgentStatus, query: HealthQuery): Verdict => {
  if (query.tags.length === 0) return YES;
  const own = tagTexts(status.tags);
  return query.tags.every(([name, value]) => own.get(name) === value) ? YES : OTHER_TAGS;
};

/** Every path that answers 200 or 503, with what it asks. */
export const healthChecks = (
  since: Instant,
  writeLag: (status: AgentStatus) => number | undefined,
): ReadonlyMap<string, HealthCheck> =>
  new Map<string, HealthCheck>([
    ['/', primary],
    ['/primary', primary],
    ['/master', primary],
    ['/read-write', primary],
    ['/leader', leader],
    ['/standby-leader', standbyLeader],
    ['/standby_leader', standbyLeader],
    ['/replica', replica],
    ['/read-only', readOnly],
    ['/synchronous', synchronous],
    ['/sync', synchronous],
    ['/asynchronous', asynchronous],
    ['/async', asynchronous],
    ['/quorum', quorum],
    ['/read-only-sync', readOnlySync],
    ['/read-only-synchronous', readOnlySync],
    ['/read-only-quorum', readOnlyQuorum],
    ['/health', health],
    ['/liveness', liveness(since)],
    ['/readiness', readiness(writeLag)],
  ]);
