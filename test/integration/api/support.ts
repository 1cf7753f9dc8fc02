import { randomUUID } from 'node:crypto';
import { createPeers } from '../../../src/adapters/http/peers.ts';
import { createClock } from '../../../src/adapters/os/clock.ts';
import type { Api } from '../../../src/api/server.ts';
import { createApi } from '../../../src/api/server.ts';
import type { ApiDeps, ApiOptions } from '../../../src/api/deps.ts';
import type { ClusterView, Intent } from '../../../src/core/model.ts';
import type { AgentStatus } from '../../../src/core/status.ts';
import type { StateWrite } from '../../../src/core/transaction.ts';
import type { AgentEvent } from '../../../src/ports/events.ts';
import type { ConsensusStore } from '../../../src/ports/consensus.ts';
import type { Operations } from '../../../src/ports/operations.ts';
import { decodeView } from '../../../src/state/decode.ts';
import { encodeTransaction } from '../../../src/state/encode.ts';
import { createRank } from '../../../src/state/operation-rank.ts';
import { createOperations } from '../../../src/state/operations.ts';
import { createStoreModel, type StoreModel } from '../../sim/store/model.ts';
import { createRandom } from '../../sim/store/virtual-clock.ts';
import { leaderStatus, positions, silentLog, view as sampleView } from '../../unit/api/support.ts';

export const PREFIX = '/haagent/demo/';
export const CREDENTIALS = { username: 'admin', password: 'right' };
export const AUTH = `Basic ${Buffer.from('admin:right').toString('base64')}`;

/** A cluster's keys in an in-memory etcd, and operations on them, without any agent that would carry them out. */
export interface TestCluster {
  readonly model: StoreModel;
  readonly store: ConsensusStore;
  readonly operations: Operations;
  view(): ClusterView;
  put(write: StateWrite): void;
  /** Ends the first open intent as an agent would, as soon as it is there. */
  carryOut(outcome: NonNullable<Intent['outcome']>, change?: readonly StateWrite[]): void;
  close(): Promise<void>;
}

export const createTestCluster = (view: ClusterView = sampleView()): TestCluster => {
  const clock = createClock();
  const model = createStoreModel({ clock, random: createRandom(1) });
  const store = model.client('operator');
  const peers = createPeers({ cluster: 'demo', positions });
  const put = (write: StateWrite): void => {
    const done = model.control.transact(
      encodeTransaction({ prefix: PREFIX, transaction: { compare: [], writes: [write] } }),
    );
    if (done.kind !== 'applied') throw new Error(`the test could not write: ${JSON.stringify(done.kind)}`);
  };
  for (const write of keysOf(view)) put(write);
  const read = (): ClusterView => decodeView({ prefix: PREFIX, range: model.control.read(PREFIX), positions });
  return {
    model,
    store,
    operations: createOperations({
      store,
      prefix: PREFIX,
      positions,
      clock,
      rank: createRank({ peers, positions, within: false }),
      newId: () => randomUUID().replaceAll('-', ''),
    }),
    view: read,
    put,
    carryOut(outcome, change = []) {
      const stop = model.control.onCommit(() => {
        const open = read().intents.find(({ value }) => value.outcome === undefined);
        if (open === undefined) return;
        stop();
        queueMicrotask(() => {
          for (const write of change) put(write);
          put({ kind: 'put', key: { kind: 'intent', id: open.value.id }, value: { ...open.value, outcome } });
        });
      });
    },
    async close() {
      await peers.close();
      await store.close();
    },
  };
};

const keysOf = (view: ClusterView): readonly StateWrite[] => {
  const writes: StateWrite[] = [];
  const { leader, heartbeat, history, sync, configuration, failsafe } = view;
  if (leader !== undefined) writes.push({ kind: 'put', key: { kind: 'leader' }, value: leader.value });
  if (heartbeat !== undefined) writes.push({ kind: 'put', key: { kind: 'heartbeat' }, value: heartbeat.value });
  if (history !== undefined) writes.push({ kind: 'put', key: { kind: 'history' }, value: history.value });
  if (sync !== undefined) writes.push({ kind: 'put', key: { kind: 'sync' }, value: sync.value });
  if (configuration !== undefined) writes.push({ kind: 'put', key: { kind: 'config' }, value: configuration.value });
  if (failsafe !== undefined) writes.push({ kind: 'put', key: { kind: 'failsafe' }, value: failsafe.value });
  for (const { value } of view.members.values())
    writes.push({ kind: 'put', key: { kind: 'member', name: value.name }, value });
  for (const { value } of view.intents) writes.push({ kind: 'put', key: { kind: 'intent', id: value.id }, value });
  for (const [term, { value }] of view.olderTerms)
    writes.push({ kind: 'put', key: { kind: 'history-of', term }, value });
  for (const [number, { value }] of view.configVersions)
    writes.push({ kind: 'put', key: { kind: 'config-version', number }, value });
  return writes;
};

/** An agent's API on a port of its own, whose status the test sets. */
export interface TestApi {
  readonly api: Api;
  readonly url: string;
  readonly port: number;
  status: AgentStatus | undefined;
  emit(event: AgentEvent): void;
  readonly reloads: { count: number };
  close(): Promise<void>;
}

export const startApi = async (
  cluster: TestCluster,
  over: {
    readonly options?: Partial<ApiOptions>;
    readonly status?: (now: AgentStatus) => AgentStatus;
    readonly deps?: Partial<ApiDeps>;
  } = {},
): Promise<TestApi> => {
  const clock = createClock();
  const listeners = new Set<(event: AgentEvent) => void>();
  const past: AgentEvent[] = [];
  const reloads = { count: 0 };
  const peers = createPeers({ cluster: 'demo', positions });
  const now = clock.now();
  const base = leaderStatus({
    madeAt: now,
    viewAt: now,
    deadline: { mono: now.mono + 60_000, boot: now.boot + 60_000 },
    view: cluster.view(),
  });
  const state: { status: AgentStatus | undefined } = { status: over.status?.(base) ?? base };
  const api = createApi({
    status: () => state.status,
    clock,
    positions,
    operations: cluster.operations,
    metricsText: () => Promise.resolve('haagent_up 1\n'),
    events: {
      recent: () => past,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    peers,
    promise: () => undefined,
    local: {
      reload: async () => {
        reloads.count += 1;
      },
    },
    log: silentLog,
    ...over.deps,
    options: { listen: { host: '127.0.0.1', port: 0 }, credentials: CREDENTIALS, ...over.options },
  });
  await api.listen();
  const port = api.address()!.port;
  return {
    api,
    port,
    url: `${over.options?.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    get status() {
      return state.status;
    },
    set status(value) {
      state.status = value;
    },
    emit(event) {
      past.push(event);
      for (const listener of listeners) listener(event);
    },
    reloads,
    async close() {
      await api.close();
      await peers.close();
    },
  };
};
