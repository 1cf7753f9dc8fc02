import { ms, type LeaseId, type MemberName, type Term } from '../../../src/core/brand.ts';
import type {
  ClusterView,
  ConfigVersion,
  Failsafe,
  Heartbeat,
  HistoryEntry,
  Initialize,
  Intent,
  Keyed,
  Pledge,
  Suspicion,
  SyncEntry,
  MemberRecord,
} from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import type { KeyRef, StateTransaction } from '../../../src/core/transaction.ts';
import type { KeyValue, TransactOutcome } from '../../../src/ports/consensus.ts';
import { nameOf, parseName } from '../../../src/state/paths.ts';
import { createEtcdServer, type Commit } from '../store/server.ts';
import type { Admit } from '../network/link.ts';
import { createLeases } from '../store/leases.ts';
import type { World } from '../world.ts';
import { storeClock } from './clock.ts';

/**
 * etcd for many agents: the very rules and leases of the store's model, which the contract suite holds against a real etcd;
 * values are kept as they are and not as text. What happens on the way is the hosts' links' business.
 */
export interface Etcd {
  transact(transaction: StateTransaction): TransactOutcome;
  view(): ClusterView;
  grant(ttl: number): LeaseId | undefined;
  keepAlive(lease: LeaseId): boolean;
  /** Ends a lease although it was renewed (an operator's mistake, or an old leader that woke up). */
  revoke(lease: LeaseId): void;
  /** Returns a function that ends it. */
  onCommit(listener: (commit: Commit) => void): () => void;
  /** Runs a request now, or when there is a leader again. */
  readonly admit: Admit;
  /** An election: nothing is answered for its time, then every lease starts anew. */
  changeLeader(): void;
  /** Without a quorum requests wait; when it is back, an election follows. */
  setQuorum(there: boolean): void;
  /** Out of space: `alarm` refuses puts and new leases; `filling` executes the next put AND answers with the error. */
  setSpace(space: 'enough' | 'filling' | 'alarm'): void;
  /** Renewals of a lease that is gone are answered with success (an old leader whose disk hangs). */
  setLying(lying: boolean): void;
}

/** An election takes 1.0 to 1.6 s with etcd's default settings (measured). */
const ELECTION: readonly [number, number] = [1_000, 1_600];
/** How often a request that its caller gave up while there was no leader is executed all the same. */
const LATE_AFTER_ELECTION = 0.3;

export const createEtcd = (world: World): Etcd => {
  const server = createEtcdServer();
  const leases = createLeases(server, storeClock(world));
  const values = new Map<string, unknown>();
  let cached: ClusterView | undefined;
  let nextValue = 1;
  let hasLeader = true;
  let quorum = true;
  let elections = 0;
  let lying = false;
  let waiting: Parameters<Admit>[0][] = [];

  const hold = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const token = `#${nextValue++}`;
    values.set(token, value);
    return token;
  };
  const loseLeader = (): void => {
    elections += 1;
    hasLeader = false;
    leases.suspend();
  };
  const elect = (): void => {
    const election = elections;
    world.at(world.between(...ELECTION), () => {
      if (election !== elections || !quorum) return;
      world.note('etcd', 'has a leader again; all leases start anew');
      hasLeader = true;
      leases.resume();
      const held = waiting;
      waiting = [];
      for (const request of held) if (!request.abandoned() || world.chance(LATE_AFTER_ELECTION)) request.run();
    });
  };

  return {
    transact: ({ compare, writes }) => {
      const outcome = server.transact({
        compare: compare.map(({ key, modRevision }) => ({ key: nameOf(key), modRevision })),
        writes: writes.map((write) =>
          write.kind === 'delete'
            ? { kind: 'delete', key: nameOf(write.key) }
            : {
                kind: 'put',
                key: nameOf(write.key),
                value: hold(write.value),
                ...(write.lease === undefined ? {} : { lease: write.lease }),
              },
        ),
      });
      if (outcome.kind !== 'applied' && outcome.kind !== 'refused' && outcome.error.code === 'no-space')
        world.sometimes('etcd was out of space');
      return outcome;
    },
    view: () => {
      if (cached?.revision !== server.revision()) cached = viewOf(server.range(''), values);
      return cached;
    },
    grant: (ttl) => leases.grant(ms(ttl))?.lease,
    keepAlive: (lease) => {
      const alive = leases.keepAlive(lease) === 'alive';
      if (alive && lying && !server.hasLease(lease))
        world.sometimes('a keep-alive of a lost lease was answered with success');
      return alive;
    },
    revoke: (lease) => void leases.revoke(lease),
    onCommit: (listener) => server.onCommit(listener),
    admit: (request) => {
      if (hasLeader) request.run();
      else waiting.push(request);
    },
    changeLeader: () => {
      world.sometimes('etcd changed its leader');
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
    setLying: (wanted) => {
      lying = wanted;
      leases.setLying(wanted);
    },
  };
};

const refs = new Map<string, KeyRef | undefined>();

/** Few names, read over and over. */
const refOf = (name: string): KeyRef | undefined => {
  if (!refs.has(name)) refs.set(name, parseName(name));
  return refs.get(name);
};

const viewOf = (
  range: { readonly revision: ClusterView['revision']; readonly keys: readonly KeyValue[] },
  values: ReadonlyMap<string, unknown>,
): ClusterView => {
  const found: { -readonly [K in keyof ClusterView]?: ClusterView[K] } = {};
  const olderTerms = new Map<Term, Keyed<HistoryEntry>>();
  const members = new Map<MemberName, Keyed<MemberRecord>>();
  const intents: Keyed<Intent>[] = [];
  const fenced = new Set<Term>();
  const pledges = new Map<MemberName, Keyed<Pledge>>();
  const suspects = new Map<MemberName, Keyed<Suspicion>>();
  for (const kv of range.keys) {
    const ref = refOf(kv.key);
    const keyed = <T>(): Keyed<T> => ({
      value: (values.get(kv.value) ?? kv.value) as T,
      modRevision: kv.modRevision,
      ...(kv.lease === undefined ? {} : { lease: kv.lease }),
    });
    if (ref?.kind === 'leader') found.leader = keyed<MemberName>();
    if (ref?.kind === 'heartbeat') found.heartbeat = keyed<Heartbeat>();
    if (ref?.kind === 'history') found.history = keyed<HistoryEntry>();
    if (ref?.kind === 'history-of') olderTerms.set(ref.term, keyed<HistoryEntry>());
    if (ref?.kind === 'initialize') found.initialize = keyed<Initialize>();
    if (ref?.kind === 'config') found.configuration = keyed<ConfigVersion>();
    if (ref?.kind === 'failsafe') found.failsafe = keyed<Failsafe>();
    if (ref?.kind === 'member') members.set(ref.name, keyed<MemberRecord>());
    if (ref?.kind === 'intent') intents.push(keyed<Intent>());
    if (ref?.kind === 'sync') found.sync = keyed<readonly SyncEntry[]>();
    if (ref?.kind === 'pledge') pledges.set(ref.name, keyed<Pledge>());
    if (ref?.kind === 'suspect') suspects.set(ref.name, keyed<Suspicion>());
    if (ref?.kind === 'fenced') fenced.add(ref.term);
  }
  const settings = found.configuration?.value.document['settings'] as Settings | undefined;
  return {
    revision: range.revision,
    initialize: found.initialize,
    settings: settings === undefined ? undefined : { ...found.configuration!, value: settings },
    configuration: found.configuration,
    configVersions: new Map(),
    leader: found.leader,
    heartbeat: found.heartbeat,
    history: found.history,
    olderTerms,
    sync: found.sync,
    pledges,
    suspects,
    failsafe: found.failsafe,
    members,
    intents,
    fenced,
    unreadable: new Set(),
    problems: [],
  };
};
