import type { RunningDatabase } from '../core/database.ts';
import { elapsedAtMost, remaining, type Instant } from '../core/instant.ts';
import { MEMBER_STATES } from '../core/model.ts';
import type { AgentStatus } from '../core/status.ts';

/** One value of a gauge, with its own labels besides cluster and member. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A gauge read from the agent's status when somebody asks for the metrics. */
export interface StatusGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (status: AgentStatus, now: Instant) => readonly Sample[];
}

const MS = 1000;

const gauge = (
  name: string,
  help: string,
  read: (s: AgentStatus, now: Instant) => number | undefined,
): StatusGauge => ({
  name,
  help,
  labels: [],
  read: (status, now) => {
    const value = read(status, now);
    return value === undefined ? [] : [{ labels: {}, value }];
  },
});

const flag = (name: string, help: string, read: (s: AgentStatus) => boolean | undefined): StatusGauge =>
  gauge(name, help, (status) => {
    const value = read(status);
    return value === undefined ? undefined : Number(value);
  });

const labelled = (
  name: string,
  help: string,
  label: string,
  read: (s: AgentStatus) => readonly (readonly [string, number])[],
): StatusGauge => ({
  name,
  help,
  labels: [label],
  read: (status) => read(status).map(([value, number]) => ({ labels: { [label]: value }, value: number })),
});

const running = (s: AgentStatus): RunningDatabase | undefined =>
  s.database.kind === 'known' && s.database.value.kind === 'running' ? s.database.value : undefined;

const seconds = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : milliseconds / MS;

const candidates = (s: AgentStatus): number => s.candidates.filter((each) => each.eligible).length;

/** A new leader could be found now, should this one be lost. */
const replaceable = (s: AgentStatus): boolean =>
  s.storeTrouble === undefined && s.view !== undefined && !s.settings.pause && candidates(s) > 0;

/** Every commit waits for voters, by the newest promise in etcd. */
const promised = (s: AgentStatus): boolean => {
  const entries = s.view?.sync?.value ?? [];
  return entries.length > 0 && entries.every((entry) => entry.acks > 0);
};

/** Every gauge that tells of the agent's status. */
export const STATUS_GAUGES: readonly StatusGauge[] = [
  {
    name: 'haagent_info',
    help: 'Always 1; the labels tell versions and engine.',
    labels: ['version', 'engine', 'server_version'],
    read: (s) => [
      {
        labels: { version: s.version, engine: s.engine, server_version: running(s)?.serverVersion ?? '' },
        value: 1,
      },
    ],
  },
  gauge('haagent_started_seconds', 'When the agent was started, in seconds since 1970.', (s) => s.agentStartedAt / MS),
  gauge('haagent_loop_last_seconds', 'When the loop ran last, in seconds since 1970.', (s) => s.loopAt / MS),
  flag('haagent_leader', '1 where this member holds the leader key.', (s) => s.leads),
  flag('haagent_cleared', '1 where the leader has waited out, or proven away, its predecessor.', (s) => s.cleared),
  flag('haagent_open', '1 where clients may write here (the deadline aside).', (s) => s.open),
  flag('haagent_serving', '1 where this replica may serve reads.', (s) => s.serving),
  gauge('haagent_term', 'The term that this member leads; 0 when it leads none.', (s) => Number(s.term ?? 0n)),
  gauge('haagent_lease_seconds_left', "Until when this member's right lasts; 0 when it has none.", (s, now) =>
    s.deadline === undefined ? 0 : Math.max(0, remaining(s.deadline, now) / MS),
  ),
  gauge('haagent_ttl_seconds', "How long a leader's right lasts without proof.", (s) => s.settings.timing.ttl / MS),
  flag('haagent_guard_alive', '1 while the guard is there.', (s) => s.guard.alive),
  flag('haagent_guard_armed', '1 while the guard holds a deadline.', (s) => s.guard.armedTerm !== undefined),
  flag(
    'haagent_guard_port_cut',
    '1 while the guard keeps clients away from a database that it cannot kill.',
    (s) => s.guard.cut !== undefined,
  ),
  flag('haagent_paused', '1 while the cluster is paused.', (s) => s.settings.pause),
  flag('haagent_stopping', '1 while the agent is stopping.', (s) => s.stopping),
  labelled('haagent_task_running', '1 for the long action under way.', 'task', (s) =>
    s.task === undefined ? [] : [[s.task.name, 1]],
  ),

  flag('haagent_primary', '1 where the database is primary.', (s) => s.role === 'primary'),
  flag('haagent_replica', '1 where the database is a replica.', (s) => s.role === 'replica'),
  flag('haagent_database_running', '1 where the database runs and answers.', (s) => running(s) !== undefined),
  labelled('haagent_state', '1 for the state that the member is in, 0 for every other.', 'state', (s) =>
    MEMBER_STATES.map((state) => [state, Number(state === s.state)]),
  ),
  gauge('haagent_database_started_seconds', 'When the database was started, in seconds since 1970.', (s) =>
    seconds(running(s)?.startedAt),
  ),
  gauge('haagent_generation', "The database's log generation (PostgreSQL: timeline).", (s) => running(s)?.generation),
  flag('haagent_pending_restart', '1 where a parameter waits for a restart of the database.', (s) => {
    const database = running(s);
    return database === undefined ? undefined : database.pendingRestart.length > 0;
  }),

  flag('haagent_streaming', '1 where the stream from the source is established.', (s) =>
    s.role === 'replica' ? running(s)?.streaming : undefined,
  ),
  gauge(
    'haagent_lag',
    "How far the applied log is behind the leader's last published position: bytes, or transactions (unit in /status).",
    (s) => s.lag,
  ),
  gauge('haagent_replay_delay_seconds', 'Age of the last commit that the replica applied.', (s) =>
    seconds(running(s)?.replay?.delayMs),
  ),
  flag('haagent_replay_paused', '1 where replay is paused.', (s) => running(s)?.replay?.paused),
  gauge('haagent_replay_blockers', 'Sessions that keep replay waiting.', (s) => running(s)?.replay?.blockers),
  gauge('haagent_replicas', 'Replicas connected to this database.', (s) => running(s)?.replicas.length),
  labelled(
    'haagent_replica_lag',
    'What a connected replica lacks, by its name: bytes or transactions.',
    'replica',
    (s) =>
      (running(s)?.replicas ?? []).flatMap((each): readonly (readonly [string, number])[] =>
        each.lag === undefined ? [] : [[each.name, each.lag]],
      ),
  ),
  labelled('haagent_replica_sync', '1 where a connected replica counts for commits, by its name.', 'replica', (s) =>
    (running(s)?.replicas ?? []).map((each) => [each.name, Number(each.sync === 'sync' || each.sync === 'quorum')]),
  ),

  flag('haagent_store_reachable', '1 while etcd answers.', (s) => s.storeTrouble === undefined),
  flag(
    'haagent_failsafe_active',
    '1 while this leader goes on without etcd, by the promises of the other members.',
    (s) => s.failsafe.activeSince !== undefined,
  ),
  gauge('haagent_store_view_age_seconds', 'Age of what is known from etcd.', (s, now) =>
    s.viewAt === undefined ? undefined : elapsedAtMost(s.viewAt, now) / MS,
  ),
  gauge('haagent_store_unreadable_keys', 'Keys in etcd that could not be understood.', (s) => s.view?.unreadable.size),
  gauge('haagent_members', 'Members with a living agent.', (s) => s.view?.members.size),
  flag('haagent_cluster_leader_known', '1 while some member holds the leader key.', (s) =>
    s.view === undefined ? undefined : s.view.leader !== undefined,
  ),
  gauge('haagent_failover_candidates', 'Members that could lead now, besides the leader.', candidates),
  labelled(
    'haagent_failover_safe',
    '1 where a scenario would end well now: leader-lost (somebody can take over), without-loss (and nothing acknowledged is lost).',
    'scenario',
    (s) => [
      ['leader-lost', Number(replaceable(s))],
      ['without-loss', Number(replaceable(s) && promised(s))],
    ],
  ),
  gauge('haagent_failover_priority', "The member's priority among equally good ones; 0: never leads.", (s) =>
    s.tags.nofailover ? 0 : s.tags.failoverPriority,
  ),
];
