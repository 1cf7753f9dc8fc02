import type { LeaseId, Ms, Revision } from '../core/brand.ts';

/**
 * A consensus store as the agent needs it: linearizable reads, transactions on mod revisions, leases, and watches that are
 * only hints. Every call has its own deadline and ends by it; no call throws for what the network or the server did:
 * that is a value. Keys and values are text; keys are absolute.
 */
export interface ConsensusStore {
  /** All keys below a prefix at one revision, read linearizably. */
  range(prefix: string, call: Call): Promise<Outcome<RangeResult>>;
  /**
   * One transaction. `applied`: it was executed, at this revision. `refused`: it was executed and changed nothing; what the
   * keys in `compare` hold now is in `found`. `unknown`: it may have been executed, may yet be, or never will (rule D2).
   * `failed`: it was surely not executed (for instance: out of space, lease not found, not authenticated, never sent).
   * A store that runs out of space executes the write that fills it and answers with an error: that one is `unknown` with
   * code `no-space`, unless a compared key that it would have written is seen unchanged.
   */
  transact(txn: Transaction, call: Call): Promise<TransactOutcome>;
  /** A new lease. The granted ttl can be longer than asked for. */
  grantLease(ttl: Ms, call: Call): Promise<Outcome<{ readonly lease: LeaseId; readonly ttl: Ms }>>;
  /** Renews once. `gone`: etcd does not know this lease (any more). Never a proof of leadership (rule D4). */
  keepLeaseAlive(lease: LeaseId, call: Call): Promise<Outcome<'alive' | 'gone'>>;
  revokeLease(lease: LeaseId, call: Call): Promise<Outcome<'revoked'>>;
  /**
   * Says `changed` whenever something below the prefix may have changed since (also after each reconnect: events may have
   * been missed, so the listener reads again). Never ends by itself, reconnects for ever until closed.
   */
  watch(prefix: string, listener: WatchListener): Watch;
  /** Health of the store as its servers tell: versions, alarms. */
  status(call: Call): Promise<Outcome<StoreStatus>>;
  /** Ends every stream and every call. Can be called twice. */
  close(): Promise<void>;
}

export interface Call {
  /** The whole budget of this call, over all endpoints that it tries. */
  readonly timeout: Ms;
  readonly signal: AbortSignal;
}

export type Outcome<T> =
  { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'failed'; readonly error: StoreError };

export type TransactOutcome =
  | { readonly kind: 'applied'; readonly revision: Revision }
  | { readonly kind: 'refused'; readonly revision: Revision; readonly found: readonly KeyValue[] }
  | { readonly kind: 'unknown'; readonly error: StoreError }
  | { readonly kind: 'failed'; readonly error: StoreError };

export interface StoreError {
  readonly code: 'unavailable' | 'deadline' | 'cancelled' | 'auth' | 'lease-gone' | 'no-space' | 'invalid' | 'internal';
  /** What was tried, on which endpoint, what happened. Never a secret. */
  readonly message: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly lease: LeaseId | undefined;
}

export interface RangeResult {
  readonly revision: Revision;
  readonly keys: readonly KeyValue[];
  /** Identity of the store's cluster: a store that came back empty or as another one is noticed by it. */
  readonly clusterId: string;
}

export interface Transaction {
  /** All must hold. Revision 0 means: the key is absent. */
  readonly compare: readonly { readonly key: string; readonly modRevision: Revision }[];
  readonly writes: readonly Write[];
}

export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly kind: 'delete'; readonly key: string };

export interface WatchListener {
  changed(): void;
  /** The stream is gone; it is being made again. For logs and metrics. */
  lost(error: StoreError): void;
}

export interface Watch {
  close(): void;
}

export interface StoreStatus {
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly version: string | undefined;
    readonly error: StoreError | undefined;
  }[];
  readonly alarms: readonly string[];
}
