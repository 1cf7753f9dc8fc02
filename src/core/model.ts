import type { InstanceId, LeaseId, MemberName, Ms, Revision, Term } from './brand.ts';
import type { LostTail } from './database.ts';
import type { Position, PositionAlgebra } from './position.ts';
import type { Settings, Tags } from './settings.ts';

/** What the cluster's keys in etcd hold (rule D1). The text form of each is in src/state. */

/** A key's value together with the revision that wrote it, which every later transaction compares (rule D2). */
export interface Keyed<T> {
  readonly value: T;
  readonly modRevision: Revision;
  readonly lease?: LeaseId;
}

/** `initialize`: which data this cluster is about. Written once, by compare-and-swap (invariant I12). */
export interface Initialize {
  /** The engine's own identity of the data; absent while the first member is still creating it. */
  readonly systemId: string | undefined;
  /** `created`: by an empty start, so that no leader can ever have been before; `adopted`: data that was there already. */
  readonly how: 'created' | 'adopted';
  readonly engine: string;
  readonly by: MemberName;
  readonly instance: InstanceId;
}

/** `heartbeat`: the proof of life of the term's holder (rule D4). */
export interface Heartbeat {
  readonly term: Term | undefined;
  readonly seq: number;
  readonly member: MemberName;
  readonly instance: InstanceId;
  /** One life of the agent's process: how a restarted agent tells its own writes from its predecessor's. */
  readonly agent: string;
  readonly ttl: Ms;
  /** The holder's database is verified unable to acknowledge a write (rule D6). */
  readonly released: boolean;
  /** The holder has waited out, or proven away, its predecessor's right (rule D5). */
  readonly cleared: boolean;
  /** Written under pause: the holder keeps its right without proving it, and no silence ends it (docs/decisions/0002). */
  readonly paused: boolean;
  readonly position: Position | undefined;
  /** Where each member's retained log starts, so that replicas can keep the same (slots kept after a failover). */
  readonly slots: Readonly<Record<string, string>>;
}

/** `history` (newest term) and `history/<term>` (older ones). The newest term is the key's own mod revision (D1). */
export interface HistoryEntry {
  readonly member: MemberName;
  readonly instance: InstanceId;
  /** The log generation (PostgreSQL: timeline number) reserved for this term; never used twice (invariant I6). */
  readonly generation: number;
  readonly how: 'bootstrap' | 'acquire' | 'take-over' | 're-acquire' | 'hand-over' | 'restart';
  readonly reason: string;
  /** Wall clock, for people only. ISO 8601. */
  readonly at: string;
  /** The last position known of the predecessor. */
  readonly from: Position | undefined;
  /** What was known to be lost when this term began; undefined where nobody led before. */
  readonly loss?: Loss | undefined;
}

/** What a change of leader is known to lose, at the moment of the transaction that makes it (invariant I4). */
export type Loss =
  | {
      /** Nothing that was acknowledged. */
      readonly kind: 'none';
      /** Enough voters pledged; or the new leader has the end that the last one wrote down; or the same data goes on. */
      readonly proof: 'quorum' | 'final-position' | 'same-database';
    }
  | {
      /** What the last heartbeat told of and the new leader does not have. What was written after it nobody knows yet. */
      readonly kind: 'measured';
      readonly amount: number;
      readonly unit: PositionAlgebra['unit'];
    };

/** One entry of `sync`: with which acknowledgements a leader of a term promised durability (rules D7 to D9). */
export interface SyncEntry {
  /** undefined: written together with `leader`, so that the key's own mod revision is the term (rule D1). */
  readonly term: Term | undefined;
  /** `member~instance`, like the voters. */
  readonly leader: string;
  readonly voters: readonly string[];
  readonly acks: number;
}

/** What a member says of its own database in one word. */
export const MEMBER_STATES = [
  'starting',
  'running',
  'streaming',
  'catching-up',
  'stopped',
  'crashed',
  'cloning',
  'rewinding',
  'initializing',
  'stopping',
  'fenced',
  'unresponsive',
  'failed',
] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

export type DatabaseRole = 'primary' | 'replica' | 'none';

/** `members/<name>`, on the member's lease; written on change only, so that an idle cluster costs etcd nothing. */
export interface MemberRecord {
  readonly name: MemberName;
  readonly instance: InstanceId;
  readonly agent: string;
  /** The lease that a hand-over puts the leader key on (rule D14). */
  readonly lease: LeaseId;
  readonly apiUrl: string;
  readonly host: string;
  readonly port: number;
  readonly role: DatabaseRole;
  readonly state: MemberState;
  readonly generation: number;
  readonly position: Position | undefined;
  readonly tags: Tags;
  readonly pendingRestart: boolean;
  readonly version: string;
  readonly serverVersion: string;
  /** The most acknowledgements that its database can be made to wait for; absent: any number. */
  readonly mostAcks?: number | undefined;
  /** The end of its log that this member last dropped, to rejoin. */
  readonly dropped?: LostTail | undefined;
}

/** How an intent ended; kept for a while so that whoever asked can read it. */
export interface IntentOutcome {
  readonly kind: 'done' | 'refused' | 'failed';
  readonly reason: string;
  /** Wall clock milliseconds. */
  readonly at: number;
}

interface IntentBase {
  readonly id: string;
  /** Who asked: for people and the record. */
  readonly by: string;
  /** Wall clock milliseconds before which nothing is done; undefined: at once. */
  readonly at: number | undefined;
  readonly outcome: IntentOutcome | undefined;
}

/** `intents/<id>`: an operator's recorded wish. */
export type Intent =
  | (IntentBase & {
      readonly kind: 'switchover';
      readonly from: MemberName | undefined;
      readonly to: MemberName | undefined;
    })
  | (IntentBase & {
      readonly kind: 'failover';
      readonly to: MemberName;
      readonly allowDataLoss: boolean;
    })
  | (IntentBase & {
      readonly kind: 'restart';
      readonly member: MemberName;
      readonly onlyIfPending: boolean;
    })
  | (IntentBase & {
      readonly kind: 'reinitialize';
      readonly member: MemberName;
      readonly fromLeader: boolean;
    });

/** `pledges/<name>`: a voter's promise that it has stopped receiving from the leader of `term` (rule D11). A register: never deleted. */
export interface Pledge {
  readonly member: MemberName;
  readonly instance: InstanceId;
  /** undefined: withdrawn. */
  readonly term: Term | undefined;
  /** The end of everything that it received. */
  readonly position: Position | undefined;
}

/** `suspects/<name>`: this member lost sight of the leader of `term`. Without effect by itself. */
export interface Suspicion {
  readonly member: MemberName;
  readonly instance: InstanceId;
  readonly term: Term;
  /** `silence`: nothing was heard; `refused`: the stream ended and the leader's host refuses connections. */
  readonly evidence: 'silence' | 'refused';
}

/** `failsafe`: who must promise before a leader goes on without etcd, and who alone may take the key (rule D15). */
export interface Failsafe {
  readonly term: Term;
  readonly members: readonly { readonly name: MemberName; readonly apiUrl: string }[];
}

/** `fenced/<term>`: the ex-leader of that term is fenced though it can no longer write the heartbeat (rule D6). */
export interface Fenced {
  readonly member: MemberName;
}

/** A dynamic configuration as an operator wrote it: sparse, durations and sizes as text. Compiled: `Settings`. */
export type SettingsDocument = Readonly<Record<string, unknown>>;

/** `config` (in force) and `config-history/<number>` (every version): the document, who wrote it and when. */
export interface ConfigVersion {
  /** Counts from 1. */
  readonly number: number;
  readonly document: SettingsDocument;
  readonly by: string;
  /** Wall clock, ISO 8601. */
  readonly at: string;
}

/** Everything the agents know from etcd, read at one revision. */
export interface ClusterView {
  readonly revision: Revision;
  readonly initialize: Keyed<Initialize> | undefined;
  /** What `configuration` means; undefined when it is absent or cannot be used (then `unreadable` has `config`). */
  readonly settings: Keyed<Settings> | undefined;
  /** The document in force, as it was written. */
  readonly configuration: Keyed<ConfigVersion> | undefined;
  /** Older and current versions of the configuration, by number. */
  readonly configVersions: ReadonlyMap<number, Keyed<ConfigVersion>>;
  readonly leader: Keyed<MemberName> | undefined;
  readonly heartbeat: Keyed<Heartbeat> | undefined;
  readonly history: Keyed<HistoryEntry> | undefined;
  /** `history/<term>`: the terms before the newest one. */
  readonly olderTerms: ReadonlyMap<Term, Keyed<HistoryEntry>>;
  readonly sync: Keyed<readonly SyncEntry[]> | undefined;
  readonly pledges: ReadonlyMap<MemberName, Keyed<Pledge>>;
  readonly suspects: ReadonlyMap<MemberName, Keyed<Suspicion>>;
  readonly failsafe: Keyed<Failsafe> | undefined;
  readonly members: ReadonlyMap<MemberName, Keyed<MemberRecord>>;
  readonly intents: readonly Keyed<Intent>[];
  /** Terms whose ex-leader said that it is fenced though it could not write the heartbeat any more (rule D6). */
  readonly fenced: ReadonlySet<Term>;
  /** Names below the prefix (`leader`, `members/a`) of keys that are present but could not be understood: not the same as absent. */
  readonly unreadable: ReadonlySet<string>;
  /** The same keys with the reason, for people. Nothing is ever decided from them. */
  readonly problems: readonly string[];
}
