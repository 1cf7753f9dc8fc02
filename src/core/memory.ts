import type { InstanceId, LeaseId, MemberName, Ms, Revision, Term } from './brand.ts';
import type { Acknowledgement, DatabaseView, Source } from './database.ts';
import type { FailsafeState } from './failsafe.ts';
import type { Handover } from './handover.ts';
import type { Instant } from './instant.ts';
import type { Known } from './known.ts';
import type { ClusterView, DatabaseRole, Failsafe, HistoryEntry, MemberState, SettingsDocument } from './model.ts';
import type { Demand } from './quorum/demand.ts';
import type { Pledging } from './quorum/pledging.ts';
import type { Sight } from './quorum/sight.ts';
import type { Position } from './position.ts';
import type { GivenPromise, PromiseRequest } from './promise.ts';
import type { Reign, Silence } from './reign.ts';
import type { Settings, Tags } from './settings.ts';
import type { DecisionReport } from './status.ts';
import type { StateTransaction } from './transaction.ts';

/** What does not change during one life of the agent's process. */
export interface Self {
  readonly name: MemberName;
  /** One life of the process. */
  readonly agent: string;
  readonly engine: string;
  /** The most acknowledgements that the database can be made to wait for; absent: any number. */
  readonly mostAcks?: number;
  readonly apiUrl: string;
  readonly host: string;
  readonly port: number;
  readonly tags: Tags;
  readonly version: string;
  /** The dynamic configuration that a new cluster starts with. */
  readonly bootstrapSettings: Settings;
  readonly bootstrapDocument: SettingsDocument;
}

/** What a peer's agent answered, checked and typed. */
export interface PeerAnswer {
  readonly name: MemberName;
  readonly instance: InstanceId;
  readonly state: MemberState;
  readonly role: DatabaseRole;
  readonly position: Position | undefined;
  readonly applied: Position | undefined;
  readonly leads: boolean;
  /** It is primary and its right lasts still, by its own clock. */
  readonly holdsRight: boolean;
  /** It considers itself able to lead. */
  readonly eligible: boolean;
  /** Why its database should not lead although it runs; absent: nothing speaks against it. */
  readonly unfit?: string;
  /** How long before it answered its database had been looked at, in milliseconds; absent: it did not tell. */
  readonly lookedAgo?: number;
}

/** The answers to one round of questions. */
export interface PeerRound {
  readonly at: Instant;
  readonly answers: ReadonlyMap<MemberName, Known<PeerAnswer>>;
  /** Members whose host answers and refuses connections to both agent and database: nothing runs there. Absent: none. */
  readonly refused?: ReadonlySet<MemberName>;
}

/** What the members answered to the question for promises. */
export interface PromiseRound {
  readonly term: Term;
  /** From before the first question: the right that it gives is counted from here. */
  readonly at: Instant;
  readonly ttl: Ms;
  readonly answers: ReadonlyMap<
    MemberName,
    { readonly promised: true } | { readonly promised: false; readonly why: string }
  >;
}

/** A long action on the database. One at a time; the loop goes on observing. */
export type Task =
  | { readonly kind: 'initialize' }
  | { readonly kind: 'clone'; readonly from: Source; readonly systemId: string; readonly reason: string }
  | { readonly kind: 'start'; readonly source: Source | undefined }
  | { readonly kind: 'stop'; readonly reason: string }
  | { readonly kind: 'restart'; readonly source: Source | undefined }
  | { readonly kind: 'fence'; readonly reason: string }
  | { readonly kind: 'promote'; readonly term: Term; readonly generation: number }
  | { readonly kind: 'barrier'; readonly term: Term }
  /** Makes a demand effective and proves it (rule D7); on a replica from the first instant of its promotion. */
  | {
      readonly kind: 'acknowledge';
      readonly term: Term;
      readonly from: Acknowledgement | undefined;
      readonly wanted: Acknowledgement;
    }
  /** Ends receiving for good, so that the pledge of this term can be given (rule D11). */
  | { readonly kind: 'stop-receiving'; readonly term: Term }
  | { readonly kind: 'checkpoint'; readonly purpose: 'handover' | 'rewindable' }
  | { readonly kind: 'follow'; readonly source: Source | undefined }
  | { readonly kind: 'rewind'; readonly from: Source }
  | { readonly kind: 'configure' }
  | { readonly kind: 'keep-slots' };

/** How a task ended, with a fresh look at the database where one could be had. */
export type TaskResult =
  | { readonly kind: 'done'; readonly systemId?: string; readonly finalPosition?: Position }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'aborted' };

/** What a transaction under way was for: says what its outcome means. */
export type Purpose =
  | {
      readonly kind: 'heartbeat';
      readonly term: Term;
      readonly seq: number;
      readonly cleared: boolean;
      readonly paused: boolean;
      /** What it promises: the right that it gives is never longer. */
      readonly ttl: Ms;
    }
  | {
      readonly kind: 'lead';
      readonly how: HistoryEntry['how'];
      readonly generation: number;
      readonly clearance: Reign['clearance'];
      readonly openFrom: Reign['openFrom'];
      readonly ttl: Ms;
      readonly reason: string;
    }
  | { readonly kind: 'release'; readonly term: Term }
  | { readonly kind: 'give-back'; readonly term: Term }
  | { readonly kind: 'hand-over'; readonly term: Term; readonly to: MemberName; readonly intent: string }
  /** The list in `sync` is replaced by one entry of the leader's, or written again as it is (rules D2, D8). */
  | { readonly kind: 'publish'; readonly term: Term }
  /** The own register: a pledge for the term, or none. */
  | { readonly kind: 'pledge'; readonly term: Term | undefined }
  | { readonly kind: 'suspect' }
  | { readonly kind: 'initialize' }
  | { readonly kind: 'fenced'; readonly term: Term }
  | { readonly kind: 'failsafe'; readonly term: Term; readonly members: Failsafe['members'] }
  | { readonly kind: 'member' }
  | { readonly kind: 'intent'; readonly id: string }
  | { readonly kind: 'housekeeping' };

/** A transaction that was sent and has not been answered. */
export interface Flight {
  readonly id: number;
  readonly purpose: Purpose;
  readonly sentAt: Instant;
}

/** Failures in a row of one kind of task, for back-off. */
export interface Trouble {
  readonly task: string;
  readonly count: number;
  /** Of the last failure. */
  readonly at: Instant;
  readonly notBefore: Instant;
  readonly message: string;
}

/** All that the agent's core remembers. Plain data: the simulator hashes it, the flight recorder prints it. */
export interface Memory {
  readonly self: Self;
  readonly instance: InstanceId;
  readonly now: Instant;
  /** Wall clock milliseconds at the last event: goes into records, is never compared except with operators' schedules. */
  readonly wall: number;
  /** The same as ISO 8601 text. */
  readonly time: string;

  readonly view: ClusterView | undefined;
  readonly viewAt: Instant | undefined;
  readonly storeTrouble: string | undefined;
  /** A write of ours that matters for decisions happened at this revision: an older view is not decided from. */
  readonly decideFrom: Revision;
  readonly settings: Settings;
  readonly lease: LeaseId | undefined;
  readonly silence: Silence | undefined;
  readonly reign: Reign | undefined;
  /** What this member promised a leader that had lost etcd (rule D15). */
  readonly promise: GivenPromise | undefined;
  /** The heartbeat that a take-over of ours with unknown outcome compares: while it is the newest, it may still happen (rule D2). */
  readonly unsettledLead: Revision | undefined;
  readonly failsafe: FailsafeState;
  /** One transaction about leadership at a time, and one about anything else. */
  readonly flights: readonly Flight[];
  readonly nextFlight: number;

  readonly database: Known<DatabaseView>;
  /** When the look that showed it began. */
  readonly databaseAt: Instant | undefined;
  /** Why this member's data could not be rewound; empty when it could. */
  readonly rewindObstacles: readonly string[];
  /**
   * The database was last seen as a primary (or a promotion was begun), and nothing since has proven otherwise: an
   * unresponsive or unknown database keeps it.
   */
  readonly mayBePrimary: boolean;
  /** This process has seen at least once what the database is: only then "not primary" is knowledge. */
  readonly looked: boolean;
  /** The database was last seen as a primary that cannot do its work: a start in place does not mend that. */
  readonly failing: Failing | undefined;
  /** A promotion was begun and did not end well: it may still come, until the server is gone. */
  readonly promotionPending: boolean;
  readonly guard: {
    readonly alive: boolean;
    readonly term: Term | undefined;
    readonly deadline: Instant | undefined;
    /** How it keeps clients away from a database that it cannot kill; absent: it does not. */
    readonly cut?: string;
    /** Since when it has not been there. */
    readonly lostSince: Instant | undefined;
  };
  readonly peers: PeerRound | undefined;
  readonly asking: boolean;

  readonly task: { readonly task: Task; readonly since: Instant } | undefined;
  readonly trouble: Trouble | undefined;
  readonly handover: Handover | undefined;
  readonly demand: Demand;
  readonly pledging: Pledging;
  /** Signs of life of the leader, as a follower sees them. */
  readonly sight: Sight | undefined;
  /** When this member last wrote whether it suspects the leader. */
  readonly suspectedAt: Instant | undefined;
  /** Since when pledges are wanted of this member, as this process saw it. */
  readonly pledgeWantedSince: Instant | undefined;
  /** When this process first saw the cluster without a living leader. */
  readonly leaderlessSince: Instant | undefined;
  /** The state of etcd in which this process first saw that: an order that is older was not given for what is now. */
  readonly leaderlessFrom: Revision | undefined;
  /** Since when a member may stand: the last leader's right has ended too. */
  readonly vacantSince: Instant | undefined;
  /** The last attempt of this process to lead: how its right was judged, should its answer be lost. */
  readonly lastLead:
    | ({
        readonly at: string;
        readonly generation: number;
        /** What its heartbeat says of the log until the database is primary. */
        readonly position: Position | undefined;
      } & Pick<Reign, 'clearance' | 'openFrom'>)
    | undefined;
  /** Not standing for election before this moment (vetoed or failed promotion). */
  readonly standAsideUntil: Instant | undefined;
  /** A fence was ordered for this term and is not yet told to the cluster (rule D6). */
  readonly owedFence: Term | undefined;
  /** The last term for which `fenced` was sent: it may be written at any later moment, so that term is never taken up again. */
  readonly toldFenced: Term | undefined;
  /** For which settings and members the database was last configured. */
  readonly configured: string | undefined;
  readonly slotsKeptAt: Instant | undefined;
  /** When this member's key was last sent: it is not written in bursts. */
  readonly publishedAt: Instant | undefined;
  /** When the guard was last asked to stand down for good. */
  readonly disarmedAt: Instant | undefined;
  /** When the database of a leader was first seen down in this reign. */
  readonly downSince: Instant | undefined;
  /** The operator's intent that this member is carrying out on itself (restart, reinitialize). */
  readonly carrying: { readonly id: string; readonly began: boolean } | undefined;
  readonly stopping: 'no' | 'leave' | 'full';
  /** When the agent was asked to stop. */
  /** Since when this member is about to be away by plan. */
  readonly leavingSince: Instant | undefined;
  readonly decision: DecisionReport;
}

/** A primary that cannot do its work. */
export interface Failing {
  /** Since when that is seen. */
  readonly since: Instant;
  /** Its disk is full, which may be every member's lot at the same time. */
  readonly full: boolean;
}

/** What happened. The shell turns every fact into one of these; the core never looks for itself. */
export type Event =
  | { readonly kind: 'tick' }
  | { readonly kind: 'view'; readonly view: ClusterView }
  | { readonly kind: 'view-failed'; readonly why: string }
  | { readonly kind: 'transacted'; readonly flight: number; readonly outcome: Settled }
  | { readonly kind: 'lease'; readonly lease: LeaseId | undefined }
  | {
      readonly kind: 'database';
      readonly database: Known<DatabaseView>;
      /** When the look at it began. */
      readonly at: Instant;
      readonly rewindObstacles: readonly string[];
    }
  | {
      readonly kind: 'guard';
      readonly alive: boolean;
      readonly term: Term | undefined;
      readonly deadline: Instant | undefined;
      readonly cut?: string;
    }
  | { readonly kind: 'peers'; readonly round: PeerRound }
  /** A leader that lost etcd asks for a promise (rule D15). */
  | { readonly kind: 'promise-asked'; readonly question: number; readonly request: PromiseRequest }
  | { readonly kind: 'promises'; readonly round: PromiseRound }
  | {
      readonly kind: 'task-ended';
      readonly task: Task;
      readonly result: TaskResult;
      readonly database: Known<DatabaseView>;
      /** When the look at the database after it began. */
      readonly at: Instant;
    }
  | { readonly kind: 'instance'; readonly instance: InstanceId }
  /** The operator changed the member's tags. */
  | { readonly kind: 'tags'; readonly tags: Tags }
  | { readonly kind: 'stop'; readonly how: 'leave' | 'full' };

/** The answer to a transaction. In `refused`, what the compared keys of leadership hold now, at `revision`. */
export type Settled =
  | { readonly kind: 'applied'; readonly revision: Revision }
  | {
      readonly kind: 'refused';
      readonly revision: Revision;
      readonly leader: Revision;
      readonly heartbeat: Revision;
      readonly mine: boolean;
    }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly code: string };

/** What the shell is to do. Each is idempotent or carries the id of the flight that it belongs to. */
export type Effect =
  | {
      readonly kind: 'transact';
      readonly flight: number;
      readonly transaction: StateTransaction;
      readonly urgent: boolean;
    }
  | { readonly kind: 'read-view' }
  | { readonly kind: 'arm'; readonly term: Term; readonly deadline: Instant }
  | { readonly kind: 'disarm'; readonly term: Term }
  /** Paused: the guard keeps its hands off until the next deadline. */
  | { readonly kind: 'stand-down'; readonly term: Term }
  | { readonly kind: 'ask-peers' }
  | {
      readonly kind: 'ask-promises';
      readonly term: Term;
      /** How long a right the answers give, at most. */
      readonly ttl: Ms;
      readonly members: Failsafe['members'];
    }
  /** A promise is kept where it survives a restart before it is answered. */
  | {
      readonly kind: 'answer-promise';
      readonly question: number;
      readonly promised: true;
      readonly term: Term;
      readonly ttl: Ms;
    }
  | { readonly kind: 'answer-promise'; readonly question: number; readonly promised: false; readonly why: string }
  | { readonly kind: 'run'; readonly task: Task }
  | {
      readonly kind: 'decided';
      readonly rule: string;
      readonly why: string;
      readonly reasons: readonly string[];
      readonly next: string;
    }
  | {
      readonly kind: 'tell';
      readonly level: 'info' | 'warn' | 'error';
      readonly event: string;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    };

/** What one event led to. */
export interface Step {
  readonly memory: Memory;
  readonly effects: readonly Effect[];
  /** Milliseconds after which a tick is wanted, whatever else happens. */
  readonly wakeIn: number;
}
