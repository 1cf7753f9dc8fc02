import { leaseId, revision, type LeaseId, type Revision } from '../../../src/core/brand.ts';
import type { KeyValue, RangeResult, StoreError, Transaction, TransactOutcome } from '../../../src/ports/consensus.ts';

/** etcd's state and rules without time, network or chance: every method is one request, executed in one step. */
export interface EtcdServer {
  range(prefix: string): RangeResult;
  transact(txn: Transaction): TransactOutcome;
  /** A lease exists from here until `dropLease`; when it ends is the caller's business. */
  addLease(): LeaseId | undefined;
  hasLease(lease: LeaseId): boolean;
  /** Removes the lease and, in one revision, its keys. Returns false when there was none. */
  dropLease(lease: LeaseId): boolean;
  revision(): Revision;
  /** Called after each revision with the keys that it changed. */
  onCommit(listener: (commit: Commit) => void): () => void;
  /** Out of space: `alarm` refuses puts and new leases; `filling` executes the next put AND answers with the error. */
  setSpace(space: 'enough' | 'filling' | 'alarm'): void;
  space(): 'enough' | 'filling' | 'alarm';
  backup(): Backup;
  /** As after a restore: the keys and the revision of a backup (or none), under another cluster identity. */
  restore(backup: Backup | undefined): void;
}

export interface Commit {
  readonly revision: Revision;
  readonly keys: readonly string[];
}

export interface Backup {
  readonly revision: bigint;
  readonly keys: ReadonlyMap<string, KeyValue>;
  readonly leases: ReadonlyMap<LeaseId, ReadonlySet<string>>;
}

const MOST_OPERATIONS = 128;
const FIRST_REVISION = 1n;
const FULL = 'database space exceeded';

const refusal = (
  code: StoreError['code'],
  message: string,
  kind: 'failed' | 'unknown' = 'failed',
): TransactOutcome => ({
  kind,
  error: { code, message },
});

export const createEtcdServer = (): EtcdServer => {
  let current = FIRST_REVISION;
  let keys = new Map<string, KeyValue>();
  let leases = new Map<LeaseId, Set<string>>();
  let leasesMade = 0n;
  let space: 'enough' | 'filling' | 'alarm' = 'enough';
  let identity = 1n;
  const listeners = new Set<(commit: Commit) => void>();

  const remove = (key: string): boolean => {
    const old = keys.get(key);
    if (old?.lease !== undefined) leases.get(old.lease)?.delete(key);
    return keys.delete(key);
  };
  const put = (key: string, value: string, lease: LeaseId | undefined, at: Revision): void => {
    const old = keys.get(key);
    if (old?.lease !== undefined) leases.get(old.lease)?.delete(key);
    if (lease !== undefined) leases.get(lease)?.add(key);
    keys.set(key, { key, value, lease, createRevision: old?.createRevision ?? at, modRevision: at });
  };
  const committed = (changed: readonly string[]): void => {
    if (changed.length === 0) return;
    current += 1n;
    const commit = { revision: revision(current), keys: changed };
    for (const listener of listeners) listener(commit);
  };
  const holds = (txn: Transaction): boolean =>
    txn.compare.every(({ key, modRevision }) => (keys.get(key)?.modRevision ?? 0n) === modRevision);

  const execute = (txn: Transaction): TransactOutcome => {
    const at = revision(current + 1n);
    const changed: string[] = [];
    for (const write of txn.writes) {
      if (write.kind === 'put') put(write.key, write.value, write.lease, at);
      if (write.kind === 'put' || remove(write.key)) changed.push(write.key);
    }
    committed(changed);
    return { kind: 'applied', revision: revision(current) };
  };

  const transact = (txn: Transaction): TransactOutcome => {
    const invalid = faultIn(txn);
    if (invalid !== undefined) return refusal('invalid', invalid);
    const puts = space !== 'enough' && txn.writes.some((write) => write.kind === 'put');
    // The adapter can rule an execution out only by seeing that a key which would have changed has not.
    if (space === 'alarm' && puts)
      return refusal('no-space', FULL, holds(txn) && tellsItself(txn) ? 'failed' : 'unknown');
    if (!holds(txn)) {
      const found = txn.compare.flatMap(({ key }) => keys.get(key) ?? []);
      return { kind: 'refused', revision: revision(current), found };
    }
    for (const write of txn.writes)
      if (write.kind === 'put' && write.lease !== undefined && !leases.has(write.lease))
        return refusal('lease-gone', 'requested lease not found');
    const outcome = execute(txn);
    if (space !== 'filling' || !puts) return outcome;
    space = 'alarm';
    return refusal('no-space', FULL, 'unknown');
  };

  return {
    transact,
    range: (prefix) => ({
      revision: revision(current),
      keys: [...keys.values()].filter(({ key }) => key.startsWith(prefix)).toSorted(byKey),
      clusterId: String(identity),
    }),
    addLease: () => {
      if (space === 'alarm') return undefined;
      leasesMade += 1n;
      const id = leaseId(String(1_000n + leasesMade));
      leases.set(id, new Set());
      return id;
    },
    hasLease: (lease) => leases.has(lease),
    dropLease: (lease) => {
      const held = leases.get(lease);
      if (held === undefined) return false;
      const gone = [...held].toSorted();
      for (const key of gone) keys.delete(key);
      leases.delete(lease);
      committed(gone);
      return true;
    },
    revision: () => revision(current),
    onCommit: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setSpace: (wanted) => (space = wanted),
    space: () => space,
    backup: () => ({
      revision: current,
      keys: new Map(keys),
      leases: new Map([...leases].map(([lease, held]) => [lease, new Set(held)])),
    }),
    restore: (backup) => {
      identity += 1n;
      current = backup?.revision ?? FIRST_REVISION;
      keys = new Map(backup?.keys);
      leases = new Map([...(backup?.leases ?? [])].map(([lease, held]) => [lease, new Set(held)]));
      for (const listener of listeners) listener({ revision: revision(current), keys: [...keys.keys()] });
    },
  };
};

/** Keys are ASCII here, so text order is etcd's byte order. */
const byKey = (a: KeyValue, b: KeyValue): number => (a.key < b.key ? -1 : 1);

/** It would write a key that it compares, so that looking at this key tells whether it was executed. */
const tellsItself = (txn: Transaction): boolean =>
  txn.writes.some((write) => write.kind === 'put' && txn.compare.some(({ key }) => key === write.key));

/** What etcd refuses before it looks at any key. */
const faultIn = (txn: Transaction): string | undefined => {
  if (txn.compare.length > MOST_OPERATIONS || txn.writes.length > MOST_OPERATIONS)
    return 'too many operations in txn request';
  if (txn.writes.some(({ key }) => key === '') || txn.compare.some(({ key }) => key === ''))
    return 'key is not provided';
  const twice = txn.writes.some(
    (write, i) =>
      i > 0 &&
      txn.writes.slice(0, i).some((other) => other.key === write.key && (other.kind === 'put' || write.kind === 'put')),
  );
  return twice ? 'duplicate key given in txn request' : undefined;
};
