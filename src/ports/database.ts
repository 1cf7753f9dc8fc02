import type { InstanceId, MemberName, Ms, Term } from '../core/brand.ts';
import type { Acknowledgement, DatabaseView, Source } from '../core/database.ts';
import type { Position, PositionAlgebra } from '../core/position.ts';
import type { GuardTarget } from './guard.ts';

/**
 * One database server on this host, as the agent drives it. Made for two families from the start (PostgreSQL; MySQL and
 * MariaDB): nothing here names an engine's own idea.
 *
 * Every method ends by its signal or its own deadline. Steps are idempotent: called again after a crash in the middle,
 * they end in the same state. A step that could not be done throws `StepError`; `observe` never throws.
 */
export interface Database {
  readonly engine: string;
  readonly positions: PositionAlgebra;
  /** What the guard must kill and restore to fence this database (also without the agent). */
  readonly guardTarget: GuardTarget;

  observe(step: Step): Promise<DatabaseView>;
  /** Calls back when something happened that makes an observation worth while: process ended, held connection closed. */
  onEvent(listener: (event: DatabaseEvent) => void): () => void;

  /** Creates new data (an empty directory is asked for) and the roles; leaves it stopped. Returns its identity. */
  initialize(step: Step): Promise<{ readonly systemId: string }>;
  /** Copies the data of `from`; what was there before is renamed aside. Leaves it stopped, ready to follow. */
  clone(step: Step & { readonly from: Source; readonly systemId: string }): Promise<void>;
  /**
   * Sends a copy of the running database, for a member that clones from this one. Absent where the engine's own protocol
   * brings copies. What iterates ends with an error when the copy is not whole.
   */
  donate?(step: Step): AsyncIterable<Uint8Array>;
  /**
   * Whether the next start of the stopped database may forget something that this member has acknowledged: then it counts as another
   * instance from there on (rule D12). Absent where no start ever does.
   */
  forgets?(step: Step): Promise<boolean>;
  /** Starts, always as a replica (nothing on disk may let a start come up as primary). Ends when it answers queries. */
  start(step: Step & { readonly source: Source | undefined }): Promise<void>;
  /** Stops cleanly: sessions are ended, the log is written and sent. Returns the end of the log where it is known. */
  stop(step: Step): Promise<{ readonly finalPosition: Position | undefined }>;
  /** Kills the whole process tree and verifies that nothing is left; afterwards a start is harmless. */
  fence(step: Step): Promise<void>;
  /** Ends the sessions that keep replay waiting. Returns how many. */
  endBlockers(step: Step): Promise<number>;
  /**
   * Makes the running replica primary, with log generation `generation`. The caller has armed the guard.
   * Throws `StepError` (core/errors.ts) with code `generation-mismatch` (database fenced) when the engine chose another number.
   */
  promote(step: Step & { readonly generation: number }): Promise<void>;
  /**
   * Makes `wanted` what the database demands of every commit, as one single step, and proves that it is in force: what is shown
   * proves nothing (rule D7; A8). `from` is what was proven before; undefined: nothing is known. Before a promotion, on a replica, it
   * prepares: nobody is followed any more, and every process that will be there after the promotion is proven to go by `wanted` from its
   * first instant. Idempotent. Throws `StepError` where it cannot be proven in time: then either may be in force.
   */
  acknowledge(
    step: Step & { readonly from: Acknowledgement | undefined; readonly wanted: Acknowledgement },
  ): Promise<void>;
  /**
   * Ends receiving from any source until the next `follow`, also over a restart of the database (rule D11), verifies that no
   * receiver is left (A9), and returns the end of everything received. Running tasks of the database were ended before.
   */
  stopReceiving(step: Step): Promise<{ readonly position: Position }>;
  /** A commit under the settings in force, recording the term: proves that writes are acknowledged. */
  barrier(step: Step & { readonly term: Term }): Promise<void>;
  checkpoint(step: Step): Promise<void>;
  /** Makes the running replica take its log from `source` (or from nobody), and remembers it for the next start. */
  follow(step: Step & { readonly source: Source | undefined }): Promise<void>;
  /** Rewinds the stopped database to where it can follow `from`. What is dropped is kept aside, and told by `observe`. */
  rewind(step: Step & { readonly from: Source }): Promise<void>;
  /** Why this member could not rewind if it had to; empty when it could. */
  rewindObstacles(): readonly string[];
  /** Creates, advances and drops the slots that this member should have. */
  keepSlots(step: Step & SlotPlan): Promise<void>;
  /** Applies parameters and access rules; reloads where that is enough. */
  configure(step: Step & DatabaseConfig): Promise<void>;
  /** Releases connections; the database itself is left as it is. */
  close(): Promise<void>;
}

export interface Step {
  readonly signal: AbortSignal;
  /** The step's own deadline, counted from its call. */
  readonly timeout: Ms;
}

export type DatabaseEvent =
  { readonly kind: 'exited' } | { readonly kind: 'connection-lost' } | { readonly kind: 'changed' };

export interface SlotPlan {
  /** Members that replicate from this database (or may after a failover). */
  readonly members: readonly MemberName[];
  /** Where the leader's slots start, for replicas that keep copies. */
  readonly positions: Readonly<Record<string, string>>;
  /** Slots of members not listed and unused for longer than this are dropped. */
  readonly retention: Ms;
  readonly permanent: Readonly<
    Record<string, { readonly type: 'physical' | 'logical'; readonly database?: string; readonly plugin?: string }>
  >;
}

export interface DatabaseConfig {
  readonly parameters: Readonly<Record<string, string>>;
  readonly accessRules: readonly string[];
  /** Hosts of the members: the only ones that may replicate. */
  readonly memberHosts: readonly string[];
  readonly instance: InstanceId;
  /** Set in the synchronous modes: then a database that was not told what to demand lets no commit end (A8). */
  readonly synchronous?: SynchronousConfig;
}

export interface SynchronousConfig {
  /** A voter knows after this time that it has not heard its source. */
  readonly suspectAfter: Ms;
  /** Acknowledgements that are not on the voters' disks are refused (C2). */
  readonly strict: boolean;
  /** Queries on this member may not hold its replay up for long (C13). */
  readonly mayVote: boolean;
}
