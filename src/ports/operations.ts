import type { MemberName, Ms } from '../core/brand.ts';
import type { CandidateReport } from '../core/candidates.ts';
import type { ErrorCode } from '../core/errors.ts';

/**
 * What an operator can ask of a cluster. Each records an intent in etcd (compare-and-swap); the agents carry it out.
 * Nothing here acts by itself, so that it works alike from an agent's API and from the command line with only etcd reachable.
 */
export interface Operations {
  switchover(request: SwitchoverRequest, how: How): Promise<OperationResult>;
  failover(request: FailoverRequest, how: How): Promise<OperationResult>;
  restart(request: RestartRequest, how: How): Promise<OperationResult>;
  reinitialize(request: ReinitializeRequest, how: How): Promise<OperationResult>;
  /** Withdraws what was recorded and has not begun. */
  cancel(kind: Withdrawable, member: MemberName | undefined, how: How): Promise<OperationResult>;
  /** Pause is hands off: no automatic promotion, demotion, start or stop (invariant I19). */
  pause(wanted: boolean, how: How): Promise<OperationResult>;
  /** Merge-patches (`null` deletes) or replaces the dynamic configuration, validated before it is written. */
  configure(
    change: { readonly how: 'patch' | 'replace'; readonly document: unknown },
    how: How,
  ): Promise<OperationResult>;
}

/** A switchover or restart only before its scheduled time; the others as long as nobody has ended them. */
export type Withdrawable = 'switchover' | 'restart' | 'failover' | 'reinitialize';

export interface SwitchoverRequest {
  readonly from: MemberName | undefined;
  readonly to: MemberName | undefined;
  /** Wall clock milliseconds; undefined: now. */
  readonly at: number | undefined;
}

export interface FailoverRequest {
  readonly to: MemberName;
  readonly allowDataLoss: boolean;
}

export interface RestartRequest {
  readonly member: MemberName;
  readonly onlyIfPending: boolean;
  readonly at: number | undefined;
}

export interface ReinitializeRequest {
  readonly member: MemberName;
  readonly fromLeader: boolean;
}

export interface How {
  /** Who asks: goes into the intent and the history. */
  readonly by: string;
  /** Say what would be done and why not; change nothing. */
  readonly dryRun: boolean;
  /** Wait for the outcome, not only for the record. */
  readonly wait: boolean;
  readonly timeout: Ms;
  readonly signal: AbortSignal;
  /** The same key twice is the same request: an intent's id is made from it. */
  readonly idempotencyKey: string | undefined;
  /** Called with a line of text while waiting. */
  readonly progress?: (line: string) => void;
}

export type OperationResult =
  | {
      readonly kind: 'done' | 'scheduled' | 'accepted' | 'would-do';
      readonly message: string;
      readonly data?: unknown;
      /** Of a dry run: what could not be found out from here, so that it may yet be refused. */
      readonly unproven?: string;
    }
  | Refused;

export interface Refused {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** More lines: each fault of a configuration, for instance. */
  readonly details?: readonly string[];
  readonly candidates?: readonly CandidateReport[];
}
