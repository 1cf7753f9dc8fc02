import type { RunningDatabase } from '../core/database.ts';
import { elapsedAtLeast, type Instant } from '../core/instant.ts';
import type { MemberState } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { AgentStatus } from '../core/status.ts';
import { isoTime, patroniState, scheduledRestart } from '../state/cluster-document.ts';
import { syncRoleOf } from '../state/sync-role.ts';
import { shownTags } from '../state/tag-texts.ts';
import { replicationState } from './health.ts';

/** The release of Patroni whose REST shapes these are: its clients compare three integers. */
export const PATRONI_VERSION = '4.1.5';

/** What turns an agent's moments into wall clock time, for people. */
export interface Moment {
  readonly now: Instant;
  /** Wall clock milliseconds at `now`. */
  readonly wall: number;
}

/** `GET /patroni`, also the body of every health answer: Patroni's field names and words, absent instead of null. */
export const patroniDocument = (status: AgentStatus, positions: PositionAlgebra, moment: Moment): object => {
  const database = status.database.kind === 'known' ? status.database.value : undefined;
  const running = database?.kind === 'running' ? database : undefined;
  const restart = status.view === undefined ? undefined : scheduledRestart(status.view, status.name);
  const tags = shownTags(status.tags);
  return {
    state: runningOr(status.state),
    ...(running === undefined ? {} : { postmaster_start_time: spacedTime(running.startedAt) }),
    role: status.role === 'none' ? 'uninitialized' : status.role,
    ...(running === undefined ? {} : serverFields(status, running, positions, moment)),
    ...(status.settings.pause ? { pause: true } : {}),
    ...(status.view?.leader === undefined ? { cluster_unlocked: true } : {}),
    ...(status.viewAt === undefined ? {} : { dcs_last_seen: Math.floor(wallOf(status.viewAt, moment) / 1000) }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(database !== undefined && 'systemId' in database ? { database_system_identifier: database.systemId } : {}),
    ...(running !== undefined && running.pendingRestart.length > 0 ? { pending_restart: true } : {}),
    ...(restart === undefined ? {} : { scheduled_restart: { schedule: isoTime(restart) } }),
    patroni: { version: PATRONI_VERSION, scope: status.cluster, name: status.name },
    haagent: { version: status.version },
  };
};

const serverFields = (
  status: AgentStatus,
  database: RunningDatabase,
  positions: PositionAlgebra,
  moment: Moment,
): object => {
  const version = versionNumber(database.serverVersion);
  const replicas = database.replicas.map((connection) => ({
    application_name: connection.name.split('~')[0] ?? connection.name,
    ...(connection.address === undefined ? {} : { client_addr: connection.address }),
    state: connection.state,
    sync_state: connection.sync,
  }));
  return {
    ...(version === undefined ? {} : { server_version: version }),
    ...syncFields(status, database),
    xlog:
      database.role === 'primary' ? primaryLog(database, positions) : replicaLog(status, database, positions, moment),
    timeline: database.generation,
    ...(database.role === 'replica' ? { replication_state: replicationState(database) } : {}),
    ...(replicas.length === 0 ? {} : { replication: replicas }),
  };
};

const syncFields = (status: AgentStatus, database: RunningDatabase): object => {
  if (status.view === undefined || database.role !== 'replica') return {};
  const role = syncRoleOf(status.view, status.settings.replication.mode, status.name, status.instance);
  return role === 'replica' ? {} : { [role]: true };
};

const primaryLog = (database: RunningDatabase, positions: PositionAlgebra): object => {
  const location = positions.offset?.(database.position);
  return location === undefined ? {} : { location };
};

const replicaLog = (
  status: AgentStatus,
  database: RunningDatabase,
  positions: PositionAlgebra,
  moment: Moment,
): object => {
  const { replay } = database;
  const received = positions.offset?.(replay?.received ?? database.position);
  const applied = replay?.applied === undefined ? undefined : positions.offset?.(replay.applied);
  const age = replay?.delayMs;
  return {
    ...(received === undefined ? {} : { received_location: received }),
    ...(applied === undefined ? {} : { replayed_location: applied }),
    ...(age === undefined ? {} : { replayed_timestamp: spacedTime(wallOf(status.madeAt, moment) - age) }),
    paused: replay?.paused ?? false,
  };
};

/** Patroni says `running` of every database that answers; how a replica gets its log is `replication_state`. */
const runningOr = (state: MemberState): string =>
  state === 'streaming' || state === 'catching-up' ? 'running' : patroniState(state);

const wallOf = (at: Instant, moment: Moment): number => moment.wall - elapsedAtLeast(at, moment.now);

const spacedTime = (wallMs: number): string => isoTime(wallMs).replace('T', ' ');

/** `15.8 (Debian …)` is 150008 and `8.0.40` is 80040, as the servers themselves number their releases. */
export const versionNumber = (text: string): number | undefined => {
  const match = /^(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?/.exec(text);
  if (match === null) return /^\d{5,6}$/.test(text) ? Number(text) : undefined;
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), match[3]];
  return patch === undefined ? major * 10_000 + minor : major * 10_000 + minor * 100 + Number(patch);
};
