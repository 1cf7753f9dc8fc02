import type { MemberName, Ms } from './brand.ts';
import type { Position } from './position.ts';

/** Where a replica takes its log from. */
export interface Source {
  readonly member: MemberName;
  readonly host: string;
  readonly port: number;
  /** Address of its agent, which sends the copies that an engine cannot fetch by itself. */
  readonly agentUrl?: string;
}

/** What a running database says about its own replaying of a source's log. */
export interface ReplayView {
  /** Everything received and safely kept. */
  readonly received: Position | undefined;
  readonly applied: Position | undefined;
  /** Age of the last applied commit; undefined when unknown. */
  readonly delayMs: number | undefined;
  readonly paused: boolean;
  /** Sessions whose snapshot or lock keeps replay waiting: they would delay a promotion by as long. */
  readonly blockers: number;
}

/** One connected replica, as the database that serves it sees it. */
export interface ReplicaConnection {
  readonly name: string;
  readonly address: string | undefined;
  readonly state: string;
  readonly sync: string;
  readonly lag: number | undefined;
  /** The end of what it says that it safely keeps; undefined where the engine does not tell. */
  readonly flushed: Position | undefined;
  /** Age of its last message; undefined where the engine does not tell. */
  readonly heardAgoMs: number | undefined;
}

/**
 * What a primary demands before it answers that a commit is done: `acks` of these voters (`member~instance`) have it safely.
 * acks 0, without voters: nothing.
 */
export interface Acknowledgement {
  readonly voters: readonly string[];
  readonly acks: number;
}

/** A replica's end of the stream from its source. */
export interface ReceiverView {
  /** `none`: nothing receives and nothing tries to; `connecting`: a receiver is there, or will be, without a stream. */
  readonly state: 'streaming' | 'connecting' | 'none';
  /** Age of the last message of the source; undefined before the first one of this receiver. */
  readonly heardAgoMs: number | undefined;
  /** How long ago a stream ended that has not come back; undefined while there is one, or where none has been. */
  readonly endedAgoMs: number | undefined;
}

/** The member's own database, as observed just now. Engine-neutral. */
export type DatabaseView =
  /** No data at all: may be created (new cluster) or cloned (known cluster). */
  | { readonly kind: 'empty' }
  /** Something is there that the agent must not touch; `why` says what and what to do. */
  | { readonly kind: 'unusable'; readonly why: string }
  /** An initialisation, clone or rewind was interrupted: what is there is no database. */
  | { readonly kind: 'incomplete'; readonly step: 'initialize' | 'clone' | 'rewind' }
  | {
      readonly kind: 'stopped';
      readonly systemId: string;
      /** It ended with everything written, so `position` is the end of its log. */
      readonly cleanly: boolean;
      readonly wasPrimary: boolean;
      readonly position: Position | undefined;
      readonly generation: number;
      /**
       * This member's own initialization made it, with the engine's installer, and it was never started since: nobody can
       * have written to it.
       */
      readonly pristine?: true;
      /** Processes of a dead server are still there (children that outlived it). */
      readonly leftovers: number;
    }
  | { readonly kind: 'starting'; readonly systemId: string; readonly progress: string }
  /** Its processes are there, but it does not answer; `forMs` since when. */
  | { readonly kind: 'unresponsive'; readonly systemId: string; readonly forMs: Ms; readonly why: string }
  | RunningDatabase;

export interface RunningDatabase {
  readonly kind: 'running';
  readonly systemId: string;
  readonly role: 'primary' | 'replica';
  /** A primary that takes writes (verified by asking, not assumed from the role). */
  readonly writable: boolean;
  /** A primary that cannot do its work, as a sentence: its own small write failed, its disk is full. Absent: it can. */
  readonly failing?: string;
  /** Why it should not lead although it runs, as a sentence: its disk is nearly full. Absent: nothing speaks against it. */
  readonly unfit?: string;
  /** End of its log: written (primary), or received and applied (replica). */
  readonly position: Position;
  readonly generation: number;
  /** The configured source; undefined when it follows nobody. */
  readonly source: Source | undefined;
  /** The stream from the source is established. */
  readonly streaming: boolean;
  readonly replay: ReplayView | undefined;
  /** Of a replica; undefined on a primary. */
  readonly receiver: ReceiverView | undefined;
  /** What is configured and shown, which proves nothing (rule D7); undefined where it is not known. */
  readonly acknowledgement: Acknowledgement | undefined;
  /** Commits that wait for acknowledgements now. */
  readonly waitingCommits: number;
  /** Commits that ended without their acknowledgements since the agent began, because their wait was cancelled (C7). */
  readonly weakAcks?: number;
  /** What this member last dropped of its log, to rejoin. */
  readonly dropped?: LostTail;
  /** What weakens the promise of the synchronous modes besides, a sentence each. */
  readonly cautions?: readonly string[];
  readonly replicas: readonly ReplicaConnection[];
  /** A replica's source has removed log that it needs, and no archive has it: what is missing, as a sentence. */
  readonly missingLog?: string;
  /** Where each retained slot starts, by slot owner. */
  readonly slots: Readonly<Record<string, string>>;
  /** Something that upkeep looks after is not as it should be: it is done more often until then. */
  readonly restless?: boolean;
  /** Parameters whose new value needs a restart. */
  readonly pendingRestart: readonly string[];
  readonly serverVersion: string;
  /** Wall clock milliseconds. */
  readonly startedAt: number;
  /** A checkpoint of the running generation was completed: others may rewind to this primary. */
  readonly rewindable: boolean;
}

/** The end of a log that a rewind dropped: what had been written and did not become part of the cluster's history. */
export interface LostTail {
  /** Where the log is kept on the member's host, with the list of its transactions. */
  readonly folder: string;
  /** Where the logs parted: the generation that was left, and the position on it in the engine's own words. */
  readonly generation: number;
  readonly from: string;
  readonly bytes: number;
  /** Transactions that had been committed, acknowledged or not. */
  readonly commits: number;
}
