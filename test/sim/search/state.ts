import type { DatabaseView, Source } from '../../../src/core/database.ts';
import {
  leaseId,
  ms,
  parseInstanceId,
  parseMemberName,
  type InstanceId,
  type MemberName,
} from '../../../src/core/brand.ts';
import type { Instant } from '../../../src/core/instant.ts';
import type { Memory, Self, Settled, Task } from '../../../src/core/memory.ts';
import { DEFAULT_SETTINGS, NO_TAGS, type Settings } from '../../../src/core/settings.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { initialModel, type GuardModel } from '../../../src/guard/state.ts';
import { isPartOf, simPosition, type SimPosition } from '../database/positions.ts';
import { EMPTY_STORE, type Store } from './store.ts';

/**
 * The whole world of the search as one value. Time goes on in ticks; within one, everybody who is not stalled takes a turn
 * and gets its answers, in any order and as often as it likes. A process that is stopped, cut off or slow is one that is
 * stalled: it takes no step, for as long as the search pleases, while others and its guard do.
 */
export interface State {
  readonly now: number;
  readonly store: Store;
  readonly machines: readonly Machine[];
  /** Requests whose sender has given up: they may be executed at any later moment, or never. */
  readonly limbo: readonly Request[];
  readonly faults: number;
  /** Terms begun so far. */
  readonly terms: number;
  readonly asked: boolean;
}

export interface Request {
  readonly by: number;
  readonly transaction: StateTransaction;
}

export interface Machine {
  readonly name: MemberName;
  readonly lives: number;
  /** undefined: the agent's process is dead. */
  readonly memory: Memory | undefined;
  readonly guard: GuardModel;
  readonly data: Data;
  /** The task that is being carried out. */
  readonly task: Task | undefined;
  readonly flights: readonly Flight[];
  readonly stalled: boolean;
}

export interface Flight {
  readonly id: number;
  readonly transaction: StateTransaction;
  /** It was executed while its sender was stalled: the answer waits. */
  readonly outcome: Settled | undefined;
}

export interface Data {
  readonly kind: 'empty' | 'stopped' | 'running';
  readonly role: 'primary' | 'replica';
  readonly position: SimPosition;
  readonly source: Source | undefined;
  /** A promotion was asked for: it comes true at some moment, unless the server ends. */
  readonly promoting: number | undefined;
  readonly cleanly: boolean;
}

/** One tick, and times in ticks: a right of three, a heartbeat each, a fence within one. */
export const TICK = 1_000;
export const SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  timing: {
    ttl: ms(3 * TICK),
    heartbeatInterval: ms(TICK),
    callTimeout: ms(TICK),
    fenceBudget: ms(TICK),
    margin: ms(0),
    drift: 0,
  },
  crashRestartTimeout: ms(2 * TICK),
  failsafe: false,
};

export const SYSTEM = 'system';
export const TOKEN = 'token';

export const instantOf = ({ now }: State): Instant => ({ mono: now, boot: now });
export const instanceOf = (name: string): InstanceId => parseInstanceId(`${name}life1`)!;
export const leaseOf = (index: number): ReturnType<typeof leaseId> => leaseId(String(index + 1));

export const selfOf = ({ name }: Machine, life: number): Self => ({
  name,
  agent: `${name}${life}`,
  engine: 'sim',
  apiUrl: `http://${name}`,
  host: name,
  port: 1,
  tags: NO_TAGS,
  version: '1',
  bootstrapSettings: SETTINGS,
  bootstrapDocument: { settings: SETTINGS },
});

export const freshState = (members: number): State => ({
  now: 1_000_000,
  store: EMPTY_STORE,
  limbo: [],
  faults: 0,
  terms: 0,
  asked: false,
  machines: ['a', 'b', 'c'].slice(0, members).map((name) => ({
    name: parseMemberName(name)!,
    lives: 0,
    memory: undefined,
    guard: initialModel(TOKEN, undefined),
    data: {
      kind: 'empty',
      role: 'replica',
      position: simPosition([], 0),
      source: undefined,
      promoting: undefined,
      cleanly: true,
    },
    task: undefined,
    flights: [],
    stalled: false,
  })),
});

export const withMachine = (state: State, index: number, change: Partial<Machine>): State => ({
  ...state,
  machines: state.machines.map((machine, i) => (i === index ? { ...machine, ...change } : machine)),
});

export const withData = (state: State, index: number, change: Partial<Data>): State =>
  withMachine(state, index, { data: { ...state.machines[index]!.data, ...change } });

/** The primary or replica that a source names, where it runs. */
export const sourceData = (state: State, source: Source | undefined): Data | undefined => {
  const data = state.machines.find(({ name }) => name === source?.member)?.data;
  return data?.kind === 'running' ? data : undefined;
};

export const streams = (state: State, { data }: Machine): boolean => {
  const from = sourceData(state, data.source);
  return data.kind === 'running' && from !== undefined && isPartOf(data.position, from.position);
};

export const acknowledges = ({ data }: Machine): boolean => data.kind === 'running' && data.role === 'primary';

/** What the agent of this machine would see of its database. */
export const observe = (state: State, machine: Machine): DatabaseView => {
  const { data } = machine;
  const generation = data.position.path.at(-1)?.[0] ?? 0;
  if (data.kind === 'empty') return { kind: 'empty' };
  if (data.kind === 'stopped')
    return {
      kind: 'stopped',
      systemId: SYSTEM,
      cleanly: data.cleanly,
      wasPrimary: false,
      position: data.cleanly ? data.position : undefined,
      generation,
      leftovers: 0,
    };
  const replica = data.role === 'replica';
  return {
    kind: 'running',
    systemId: SYSTEM,
    role: data.role,
    writable: !replica,
    position: data.position,
    generation,
    source: data.source,
    streaming: replica && streams(state, machine),
    receiver: undefined,
    acknowledgement: undefined,
    waitingCommits: 0,
    replay: replica
      ? { received: data.position, applied: data.position, delayMs: 0, paused: false, blockers: 0 }
      : undefined,
    replicas: [],
    slots: {},
    pendingRestart: [],
    serverVersion: '1',
    startedAt: 0,
    rewindable: true,
  };
};
