import type { LeaseId, MemberName, Term } from '../../src/core/brand.ts';
import type {
  ClusterView,
  ConfigVersion,
  Heartbeat,
  HistoryEntry,
  Initialize,
  Intent,
  Keyed,
  MemberRecord,
} from '../../src/core/model.ts';
import type { Settings } from '../../src/core/settings.ts';
import type { StateTransaction } from '../../src/core/transaction.ts';
import type { KeyValue, TransactOutcome } from '../../src/ports/consensus.ts';
import { nameOf, parseName } from '../../src/state/paths.ts';
import { createEtcdServer, type Commit } from './store/server.ts';
import type { World } from './world.ts';

/**
 * etcd for many agents: the rules of the store's model (transactions on revisions, leases), values kept as they are and not
 * as text, leases that end by the world's clock. Nothing is lost or late here: that is the hosts' links' business.
 */
export interface Etcd {
  transact(transaction: StateTransaction): TransactOutcome;
  view(): ClusterView;
  grant(ttl: number): LeaseId | undefined;
  keepAlive(lease: LeaseId, ttl: number): boolean;
  revoke(lease: LeaseId): void;
  onCommit(listener: (commit: Commit) => void): void;
}

/** How much later than its time to live a lease ends. */
const EXPIRY_GRAIN = 1_000;

export const createEtcd = (world: World): Etcd => {
  const server = createEtcdServer();
  const values = new Map<string, unknown>();
  const expiries = new Map<LeaseId, () => void>();
  let cached: ClusterView | undefined;
  let nextValue = 1;

  const hold = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const token = `#${nextValue++}`;
    values.set(token, value);
    return token;
  };
  const expireAfter = (lease: LeaseId, ttl: number): void => {
    expiries.get(lease)?.();
    const cancel = world.at(ttl + world.between(0, EXPIRY_GRAIN), () => {
      expiries.delete(lease);
      world.note('etcd', `lease ${lease} ends`);
      server.dropLease(lease);
    });
    expiries.set(lease, cancel);
  };

  return {
    transact: ({ compare, writes }) =>
      server.transact({
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
      }),
    view: () => {
      if (cached?.revision !== server.revision()) cached = viewOf(server.range(''), values);
      return cached;
    },
    grant: (ttl) => {
      const lease = server.addLease();
      if (lease !== undefined) expireAfter(lease, ttl);
      return lease;
    },
    keepAlive: (lease, ttl) => {
      if (!server.hasLease(lease)) return false;
      expireAfter(lease, ttl);
      return true;
    },
    revoke: (lease) => {
      expiries.get(lease)?.();
      expiries.delete(lease);
      server.dropLease(lease);
    },
    onCommit: (listener) => void server.onCommit(listener),
  };
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
  for (const kv of range.keys) {
    const ref = parseName(kv.key);
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
    if (ref?.kind === 'member') members.set(ref.name, keyed<MemberRecord>());
    if (ref?.kind === 'intent') intents.push(keyed<Intent>());
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
    sync: undefined,
    pledges: new Map(),
    suspects: new Map(),
    failsafe: undefined,
    members,
    intents,
    fenced,
    unreadable: new Set(),
    problems: [],
  };
};
