import type { LeaseId, MemberName, Revision, Term } from './brand.ts';
import type {
  ConfigVersion,
  Failsafe,
  Fenced,
  Heartbeat,
  HistoryEntry,
  Initialize,
  Intent,
  MemberRecord,
  Pledge,
  Suspicion,
  SyncEntry,
} from './model.ts';

/**
 * Transactions as the core means them: keys by what they are, values as the model knows them. The text form of both is
 * in src/state, so that nothing here can write a key that a reader would not understand.
 */

/** What each key holds. */
export interface KeyValues {
  readonly leader: MemberName;
  readonly heartbeat: Heartbeat;
  readonly history: HistoryEntry;
  readonly sync: readonly SyncEntry[];
  readonly initialize: Initialize;
  readonly config: ConfigVersion;
  readonly failsafe: Failsafe;
  readonly member: MemberRecord;
  readonly pledge: Pledge;
  readonly suspect: Suspicion;
  readonly intent: Intent;
  readonly fenced: Fenced;
  readonly 'history-of': HistoryEntry;
  readonly 'config-version': ConfigVersion;
}

export type KeyKind = keyof KeyValues;

/** A key below the cluster's prefix. */
export type KeyRef =
  | { readonly kind: 'leader' }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'history' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'initialize' }
  | { readonly kind: 'config' }
  | { readonly kind: 'failsafe' }
  | { readonly kind: 'member'; readonly name: MemberName }
  | { readonly kind: 'pledge'; readonly name: MemberName }
  | { readonly kind: 'suspect'; readonly name: MemberName }
  | { readonly kind: 'intent'; readonly id: string }
  | { readonly kind: 'fenced'; readonly term: Term }
  | { readonly kind: 'history-of'; readonly term: Term }
  | { readonly kind: 'config-version'; readonly number: number };

export type KeyRefOf<K extends KeyKind> = Extract<KeyRef, { readonly kind: K }>;

export interface StatePutOf<K extends KeyKind> {
  readonly kind: 'put';
  readonly key: KeyRefOf<K>;
  readonly value: KeyValues[K];
  readonly lease?: LeaseId;
}

/** A put of any kind: the type of `value` goes with the kind of `key`. */
export type StatePut = { readonly [K in KeyKind]: StatePutOf<K> }[KeyKind];

export type StateWrite = StatePut | { readonly kind: 'delete'; readonly key: KeyRef };

/** One transaction: every comparison must hold (`NEVER`: the key is absent), then all writes are done at one revision. */
export interface StateTransaction {
  readonly compare: readonly { readonly key: KeyRef; readonly modRevision: Revision }[];
  readonly writes: readonly StateWrite[];
}
