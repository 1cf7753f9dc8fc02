import { ms, type LeaseId } from '../../../src/core/brand.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { ConsensusStore, RangeResult, Transaction, TransactOutcome } from '../../../src/ports/consensus.ts';
import { createModelClient, type ModelClient } from './client.ts';
import { between, NO_FAULTS, type ClientFaults } from './faults.ts';
import { createLeases } from './leases.ts';
import type { WaitingRequest } from './round-trip.ts';
import { createEtcdServer, type Backup, type Commit } from './server.ts';

/**
 * A deterministic etcd in memory: same clock, same random source, same order of calls give the same history.
 * Every client has a store of its own, so that faults are one client's; `control` is the hand of fate.
 */
export interface StoreModel {
  /** @param clock the client's own clock; by default the store's. */
  client(name: string, clock?: Clock): ConsensusStore;
  readonly control: StoreControl;
}

interface StoreControl {
  /** Changes some faults of one client; the others stay. */
  setFaults(client: string, faults: Partial<ClientFaults>): void;
  /** The etcd leader is lost: nothing is answered for an election's time, then every lease starts anew. */
  changeLeader(): void;
  /** No quorum: requests wait. When it is back, an election follows. */
  setQuorum(there: boolean): void;
  /** See `EtcdServer.setSpace`. */
  setSpace(space: 'enough' | 'filling' | 'alarm'): void;
  /** Old revisions are thrown away; watches that had fallen behind are cancelled. */
  compact(): void;
  /** Renewals of a lease that is gone are answered with success (an old leader with a hung disk). */
  setLyingRenewals(lying: boolean): void;
  /** The lease ends now although it was renewed (operator, or an old leader that woke up). */
  revoke(lease: LeaseId): void;
  /** A client's watch streams break and are made again. */
  breakWatches(client: string): void;
  backup(): Backup;
  /** All servers are replaced by a restored backup, or by an empty cluster. */
  restore(backup: Backup | undefined): void;
  /** A transaction and a read of somebody whom no fault touches. Takes no time. */
  transact(txn: Transaction): TransactOutcome;
  read(prefix: string): RangeResult;
  leaseLeft(lease: LeaseId): number | undefined;
  /** Called for every revision, in order. */
  onCommit(listener: (commit: Commit) => void): () => void;
}

/** An election takes 1.0 to 1.6 s with etcd's default settings (measured). */
const ELECTION_MS: readonly [number, number] = [1_000, 1_600];
/** How often a request that its caller gave up while there was no leader is executed all the same. */
const LATE_AFTER_ELECTION = 0.3;

export const createStoreModel = (deps: { readonly clock: Clock; readonly random: () => number }): StoreModel => {
  const { clock, random } = deps;
  const server = createEtcdServer();
  const leases = createLeases(server, clock);
  const clients = new Map<string, ModelClient[]>();
  const faultsOf = new Map<string, ClientFaults>();
  let waiting: WaitingRequest[] = [];
  let quorum = true;
  let hasLeader = true;
  let elections = 0;

  const everyClient = (): readonly ModelClient[] => [...clients.values()].flat();
  const relink = (): void => {
    for (const client of everyClient()) client.linkChanged();
  };
  const admit = (request: WaitingRequest): void => {
    if (hasLeader || !request.needsLeader) return request.run();
    request.held();
    waiting.push(request);
  };
  const loseLeader = (): void => {
    elections += 1;
    hasLeader = false;
    leases.suspend();
    relink();
  };
  const elect = (): void => {
    const election = elections;
    clock.timer(ms(between(ELECTION_MS, random)), () => {
      if (election !== elections || !quorum) return;
      hasLeader = true;
      leases.resume();
      const held = waiting;
      waiting = [];
      for (const request of held) if (!request.abandoned() || random() < LATE_AFTER_ELECTION) request.run();
      relink();
    });
  };

  const control: StoreControl = {
    setFaults: (name, faults) => {
      faultsOf.set(name, { ...(faultsOf.get(name) ?? NO_FAULTS), ...faults });
      for (const client of clients.get(name) ?? []) client.linkChanged();
    },
    changeLeader: () => {
      loseLeader();
      if (quorum) elect();
    },
    setQuorum: (there) => {
      if (there === quorum) return;
      quorum = there;
      if (there) elect();
      else loseLeader();
    },
    setSpace: (space) => server.setSpace(space),
    compact: () => {
      for (const client of everyClient()) client.compacted();
    },
    setLyingRenewals: (lying) => leases.setLying(lying),
    revoke: (lease) => void leases.revoke(lease),
    breakWatches: (name) => {
      for (const client of clients.get(name) ?? []) client.interrupt('connection reset');
    },
    backup: () => server.backup(),
    restore: (backup) => {
      server.restore(backup);
      leases.reset();
      for (const client of everyClient()) client.interrupt('connection dropped');
    },
    transact: (txn) => server.transact(txn),
    read: (prefix) => server.range(prefix),
    leaseLeft: (lease) => leases.left(lease),
    onCommit: (listener) => server.onCommit(listener),
  };

  return {
    control,
    client: (name, clientClock = clock) => {
      const client = createModelClient({
        name,
        server,
        leases,
        admit,
        random,
        clientClock,
        storeClock: clock,
        faults: () => faultsOf.get(name) ?? NO_FAULTS,
        hasLeader: () => hasLeader,
        onCommit: (listener) => server.onCommit(listener),
      });
      clients.set(name, [...(clients.get(name) ?? []), client]);
      return client.store;
    },
  };
};
