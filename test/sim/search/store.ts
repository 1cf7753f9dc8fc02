import { NEVER, revision, type MemberName, type Revision, type Term } from '../../../src/core/brand.ts';
import type { ClusterView, ConfigVersion, HistoryEntry, Intent, Keyed, MemberRecord } from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import type { KeyRef, StateTransaction } from '../../../src/core/transaction.ts';
import { nameOf } from '../../../src/state/paths.ts';

/** etcd as a value: what is compared and written in one step. Leases end only where the search lets a key vanish. */
export interface Store {
  readonly revision: Revision;
  readonly keys: ReadonlyMap<string, Entry>;
}

interface Entry {
  readonly ref: KeyRef;
  readonly value: unknown;
  readonly modRevision: Revision;
}

export const EMPTY_STORE: Store = { revision: revision(1n), keys: new Map() };

export type Commit = { readonly kind: 'applied'; readonly store: Store } | { readonly kind: 'refused' };

export const commit = (store: Store, { compare, writes }: StateTransaction): Commit => {
  const holds = compare.every(({ key, modRevision }) => modOf(store, key) === modRevision);
  if (!holds) return { kind: 'refused' };
  const next = revision(store.revision + 1n);
  const keys = new Map(store.keys);
  for (const write of writes) {
    // What only people read would make every state a new one.
    if (write.key.kind === 'history-of' || write.key.kind === 'config-version') continue;
    if (write.kind === 'delete') keys.delete(nameOf(write.key));
    else keys.set(nameOf(write.key), { ref: write.key, value: write.value, modRevision: next });
  }
  return { kind: 'applied', store: { revision: next, keys } };
};

export const modOf = (store: Store, key: KeyRef): Revision => store.keys.get(nameOf(key))?.modRevision ?? NEVER;

const views = new WeakMap<Store, ClusterView>();

export const viewOf = (store: Store): ClusterView => {
  const made = views.get(store) ?? makeView(store);
  views.set(store, made);
  return made;
};

const makeView = (store: Store): ClusterView => {
  const all = [...store.keys.values()];
  const single = <T>(kind: KeyRef['kind']): Keyed<T> | undefined => {
    const found = all.find(({ ref }) => ref.kind === kind);
    return found === undefined ? undefined : { value: found.value as T, modRevision: found.modRevision };
  };
  const members = new Map<MemberName, Keyed<MemberRecord>>();
  const intents: Keyed<Intent>[] = [];
  const fenced = new Set<Term>();
  for (const { ref, value, modRevision } of all) {
    if (ref.kind === 'member') members.set(ref.name, { value: value as MemberRecord, modRevision });
    if (ref.kind === 'intent') intents.push({ value: value as Intent, modRevision });
    if (ref.kind === 'fenced') fenced.add(ref.term);
  }
  const configuration = single<ConfigVersion>('config');
  const settings = configuration?.value.document['settings'] as Settings | undefined;
  return {
    revision: store.revision,
    initialize: single('initialize'),
    settings: settings === undefined || configuration === undefined ? undefined : { ...configuration, value: settings },
    configuration,
    configVersions: new Map(),
    leader: single('leader'),
    heartbeat: single('heartbeat'),
    history: single<HistoryEntry>('history'),
    olderTerms: new Map(),
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
