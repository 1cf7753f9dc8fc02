import type { Ms, Term } from '../core/brand.ts';
import type { Instant } from '../core/instant.ts';

/** What a fence kills, and what it leaves behind so that a later start is harmless. Known without the engine's code. */
export interface GuardTarget {
  /** Every process whose working directory is this one (or that descends from such a process) belongs to the database. */
  readonly dataDir: string;
  /**
   * A file whose presence makes the next start come up as a replica. The guard puts it back after a fence.
   * While it is absent and the database runs, the database counts as a primary.
   */
  readonly replicaMark: string;
  /** Where its clients come in, to keep them away from a database that cannot be killed; `listen` as the server is told. */
  readonly port?: number;
  readonly listen?: string;
  /** Owner of the file, where agent and database have different users. */
  readonly uid?: number;
  readonly gid?: number;
}

/** The agent's side of the guard: the small process that fences at the deadline whatever happens to the agent. */
export interface Guard {
  /** Resolves when the guard has acknowledged this deadline. Rejects when it does not within `timeout`. */
  arm(order: {
    readonly term: Term;
    readonly deadline: Instant;
    /** How long before the deadline the fence begins; without it, what the guard was started with. */
    readonly fenceBudget?: Ms;
    readonly timeout: Ms;
    readonly signal: AbortSignal;
  }): Promise<void>;
  /**
   * The database is a replica or stopped, and verified so: no deadline applies any more. Also needed after the guard has
   * fenced, before the database is started again: until then it kills whatever appears. A primary without a deadline is fenced.
   */
  disarm(order: { readonly term: Term; readonly timeout: Ms; readonly signal: AbortSignal }): Promise<void>;
  /** Hands off: the guard fences nothing until the next order (pause, docs/decisions/0002). */
  standDown(order: { readonly term: Term; readonly timeout: Ms; readonly signal: AbortSignal }): Promise<void>;
  state(): GuardState;
  /** The guard is gone, came back, or has fenced. */
  onEvent(listener: (event: GuardEvent) => void): () => void;
  /** Leaves the guard running. */
  close(): Promise<void>;
}

export interface GuardState {
  readonly alive: boolean;
  readonly pid: number | undefined;
  readonly armed: { readonly term: Term; readonly deadline: Instant } | undefined;
  /** How clients are kept away from a database that cannot be killed; undefined: they are not. */
  readonly cut?: string;
}

export type GuardEvent =
  | { readonly kind: 'lost' }
  | { readonly kind: 'connected' }
  /** Clients are kept away, or not any more. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'fenced'; readonly term: Term | undefined; readonly killed: number; readonly tookMs: number };
