import type { MemberName } from '../core/brand.ts';
import type { ClusterView, Intent, MemberRecord, MemberState } from '../core/model.ts';
import type { Position, PositionAlgebra } from '../core/position.ts';
import { DEFAULT_SETTINGS } from '../core/settings.ts';
import { syncRoleOf } from './sync-role.ts';
import { shownTags } from './tag-texts.ts';

/** The cluster as `GET /cluster` and `haagentctl list` show it: Patroni's field names, fields in a fixed order. */
export interface ClusterDocument {
  readonly members: readonly MemberDocument[];
  readonly scope: string;
  readonly pause?: true;
  readonly scheduled_switchover?: { readonly at: string; readonly from?: string; readonly to?: string };
}

export interface MemberDocument {
  readonly name: string;
  readonly role: 'leader' | 'sync_standby' | 'quorum_standby' | 'replica';
  readonly state: string;
  readonly api_url: string;
  readonly host: string;
  readonly port: number;
  readonly timeline: number;
  readonly pending_restart?: true;
  readonly scheduled_restart?: { readonly schedule: string };
  readonly tags: Readonly<Record<string, string | number | boolean>>;
  /** The end of its log, in PostgreSQL's notation; only where the member was asked just now. */
  readonly lsn?: string;
  /** Bytes (or transactions) behind the leader; `unknown` when that cannot be said. 0 for the leader itself. */
  readonly lag: number | 'unknown';
}

/**
 * What a member says of itself just now, and how far it is. Not from etcd: members publish there only what changed, so that an idle
 * cluster costs nothing, and a lag computed from an old position would be an alarm about nothing.
 */
export type LiveOf = (member: MemberName) => Live;

interface Live {
  /** Its own word, which is newer than what it published: a leader that cannot reach etcd publishes nothing of its fence. */
  readonly state: MemberState | undefined;
  readonly lag: number | undefined;
  readonly position: Position | undefined;
}

/** Patroni's words for our states of a member. */
export const patroniState = (state: MemberState): string => PATRONI_STATES[state];

const PATRONI_STATES: Readonly<Record<MemberState, string>> = {
  starting: 'starting',
  running: 'running',
  streaming: 'streaming',
  'catching-up': 'in archive recovery',
  stopped: 'stopped',
  crashed: 'crashed',
  cloning: 'creating replica',
  rewinding: 'running pg_rewind',
  initializing: 'initializing new cluster',
  stopping: 'stopping',
  fenced: 'stopped',
  unresponsive: 'unknown',
  failed: 'start failed',
};

/** An intent that waits for its time and has not begun. */
export const isScheduled = (intent: Intent): boolean => intent.outcome === undefined && intent.at !== undefined;

/** Builds the document. Members are sorted by name, so that two calls and two members give the same text. */
export const clusterDocument = (
  scope: string,
  view: ClusterView,
  positions: PositionAlgebra,
  liveOf: LiveOf,
): ClusterDocument => {
  const settings = view.settings?.value ?? DEFAULT_SETTINGS;
  const records = [...view.members.values()].map(({ value }) => value);
  const scheduled = view.intents.map(({ value }) => value).find((i) => i.kind === 'switchover' && isScheduled(i));
  return {
    members: records
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((record) => memberDocument(record, view, settings.replication.mode, positions, liveOf(record.name))),
    scope,
    ...(settings.pause ? { pause: true } : {}),
    ...(scheduled?.kind === 'switchover' && scheduled.at !== undefined
      ? {
          scheduled_switchover: {
            at: isoTime(scheduled.at),
            ...(scheduled.from === undefined ? {} : { from: scheduled.from }),
            ...(scheduled.to === undefined ? {} : { to: scheduled.to }),
          },
        }
      : {}),
  };
};

const memberDocument = (
  record: MemberRecord,
  view: ClusterView,
  mode: 'async' | 'sync' | 'quorum',
  positions: PositionAlgebra,
  live: Live,
): MemberDocument => {
  const leads = view.leader?.value === record.name;
  const restart = scheduledRestart(view, record.name);
  const state = live.state ?? record.state;
  const offset = live.position === undefined ? undefined : positions.offset?.(live.position);
  return {
    name: record.name,
    role: leads ? 'leader' : syncRoleOf(view, mode, record.name, record.instance),
    state: leads && state === 'streaming' ? 'running' : patroniState(state),
    api_url: `${record.apiUrl.replace(/\/+$/, '')}/patroni`,
    host: record.host,
    port: record.port,
    timeline: record.generation,
    ...(record.pendingRestart ? { pending_restart: true } : {}),
    ...(restart === undefined ? {} : { scheduled_restart: { schedule: isoTime(restart) } }),
    tags: shownTags(record.tags),
    ...(offset === undefined ? {} : { lsn: lsnText(offset) }),
    lag: leads ? 0 : (live.lag ?? 'unknown'),
  };
};

/** `16/B374D848`: the upper and the lower 32 bits. */
const lsnText = (offset: number): string => {
  const low = 2 ** 32;
  return `${Math.floor(offset / low).toString(16)}/${(offset % low).toString(16)}`.toUpperCase();
};

/** When a restart of this member is scheduled; undefined when none is. Wall clock milliseconds. */
export const scheduledRestart = (view: ClusterView, member: MemberName): number | undefined =>
  view.intents
    .map(({ value }) => value)
    .find((intent) => intent.kind === 'restart' && intent.member === member && isScheduled(intent))?.at;

/** ISO 8601 with an explicit offset, as Patroni's clients parse it. */
export const isoTime = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '+00:00');
