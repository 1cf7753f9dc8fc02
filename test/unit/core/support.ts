import { newMemory, step, type Moment } from '../../../src/core/agent.ts';
import {
  leaseId,
  ms,
  parseInstanceId,
  parseMemberName,
  revision,
  termOf,
  type InstanceId,
  type MemberName,
  type Revision,
  type Term,
} from '../../../src/core/brand.ts';
import type { RunningDatabase } from '../../../src/core/database.ts';
import type { Instant } from '../../../src/core/instant.ts';
import { known } from '../../../src/core/known.ts';
import type { Effect, Event, Memory, PeerAnswer, Self, Step } from '../../../src/core/memory.ts';
import type { ClusterView, Heartbeat, HistoryEntry, Keyed, MemberRecord } from '../../../src/core/model.ts';
import type { Reign } from '../../../src/core/reign.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../../src/core/settings.ts';
import { simPosition, simPositions, type SimPosition } from '../../sim/database/positions.ts';

/** Small makers of what the core looks at. Each makes a plain, healthy thing; a test names only what matters to it. */

export const name = (text: string): MemberName => parseMemberName(text)!;
export const instance = (text: string): InstanceId => parseInstanceId(text)!;
export const term = (n: number): Term => termOf(revision(BigInt(n)));
export const rev = (n: number): Revision => revision(BigInt(n));
export const positions = simPositions;
/** Log of `generation` (each left its predecessor at a hundred times its number), up to `at`. */
export const position = (generation: number, at: number): SimPosition =>
  simPosition(
    Array.from({ length: generation }, (_, index) => [index + 1, index * 100] as const),
    at,
  );

export const instant = (at: number): Instant => ({ mono: at, boot: at });
export const moment = (at: number): Moment => ({ now: instant(at), wall: 1_000_000 + at, time: `t${at}` });

export const self: Self = {
  name: name('a'),
  agent: 'agent-1',
  engine: 'sim',
  apiUrl: 'http://a',
  host: 'a',
  port: 1,
  tags: NO_TAGS,
  version: '1',
  bootstrapSettings: DEFAULT_SETTINGS,
  bootstrapDocument: {},
};

export const keyed = <T>(value: T, at: number): Keyed<T> => ({ value, modRevision: rev(at) });

export const record = (who: string, over: Partial<MemberRecord> = {}): MemberRecord => ({
  name: name(who),
  instance: instance(`${who}life1`),
  agent: `agent-${who}`,
  lease: leaseId(`${who.charCodeAt(0)}`),
  apiUrl: `http://${who}`,
  host: who,
  port: 1,
  role: 'replica',
  state: 'streaming',
  generation: 2,
  position: position(2, 150),
  tags: NO_TAGS,
  pendingRestart: false,
  version: '1',
  serverVersion: '1',
  ...over,
});

export const heartbeat = (over: Partial<Heartbeat> = {}): Heartbeat => ({
  term: term(10),
  seq: 3,
  member: name('b'),
  instance: instance('blife1'),
  agent: 'agent-b',
  ttl: ms(10_000),
  released: false,
  cleared: true,
  paused: false,
  position: position(2, 150),
  slots: {},
  ...over,
});

export const history = (over: Partial<HistoryEntry> = {}): HistoryEntry => ({
  member: name('b'),
  instance: instance('blife1'),
  generation: 2,
  how: 'acquire',
  reason: 'test',
  at: 't0',
  from: undefined,
  ...over,
});

/** A cluster of a, b and c in which b leads term 10 and proved it last at revision 20. */
export const view = (over: Partial<ClusterView> = {}): ClusterView => ({
  revision: rev(30),
  initialize: keyed(
    { systemId: 'system', how: 'created' as const, engine: 'sim', by: name('b'), instance: instance('blife1') },
    2,
  ),
  settings: keyed(DEFAULT_SETTINGS, 3),
  configuration: undefined,
  configVersions: new Map(),
  leader: keyed(name('b'), 10),
  heartbeat: keyed(heartbeat(), 20),
  history: keyed(history(), 10),
  olderTerms: new Map(),
  sync: undefined,
  pledges: new Map(),
  suspects: new Map(),
  failsafe: undefined,
  members: new Map(['a', 'b', 'c'].map((who) => [name(who), keyed(record(who), 5)])),
  intents: [],
  fenced: new Set(),
  unreadable: new Set(),
  problems: [],
  ...over,
});

/** The same cluster, with a as the leader. */
export const ownView = (over: Partial<ClusterView> = {}, beat: Partial<Heartbeat> = {}): ClusterView =>
  view({
    leader: keyed(name('a'), 10),
    heartbeat: keyed(heartbeat({ member: name('a'), instance: instance('alife1'), agent: 'agent-1', ...beat }), 20),
    history: keyed(history({ member: name('a'), instance: instance('alife1') }), 10),
    ...over,
  });

export const running = (over: Partial<RunningDatabase> = {}): RunningDatabase => ({
  kind: 'running',
  systemId: 'system',
  role: 'replica',
  writable: false,
  position: position(2, 150),
  generation: 2,
  source: { member: name('b'), host: 'b', port: 1 },
  streaming: true,
  replay: undefined,
  receiver: undefined,
  acknowledgement: undefined,
  waitingCommits: 0,
  replicas: [],
  slots: {},
  pendingRestart: [],
  serverVersion: '1',
  startedAt: 0,
  rewindable: true,
  ...over,
});

export const primary = (over: Partial<RunningDatabase> = {}): RunningDatabase =>
  running({ role: 'primary', writable: true, source: undefined, streaming: false, ...over });

export const reign = (over: Partial<Reign> = {}): Reign => ({
  term: term(10),
  heartbeatRevision: rev(20),
  seq: 3,
  deadline: instant(9_000),
  provenAt: instant(0),
  clearance: 'own',
  clearancePublished: true,
  silence: undefined,
  pausePublished: false,
  resuming: false,
  ttl: ms(10_000),
  generation: 2,
  since: instant(0),
  dueAt: instant(2_000),
  keyGone: false,
  unsettled: false,
  barrier: true,
  openFrom: undefined,
  ...over,
});

export const answer = (who: string, over: Partial<PeerAnswer> = {}): PeerAnswer => ({
  name: name(who),
  instance: instance(`${who}life1`),
  state: 'streaming',
  role: 'replica',
  position: position(2, 150),
  applied: position(2, 150),
  leads: false,
  holdsRight: false,
  eligible: true,
  ...over,
});

/** Member a at time 0, knowing nothing. */
export const fresh = (): Memory => newMemory(self, instance('alife1'), moment(0));

/** Member a, following b, at time 0. */
export const follower = (over: Partial<Memory> = {}): Memory => {
  const seen = over.view ?? view();
  return {
    ...fresh(),
    view: seen,
    viewAt: instant(0),
    lease: leaseId('97'),
    silence: {
      revision: seen.heartbeat?.modRevision ?? rev(0),
      since: instant(0),
      ttl: ms(10_000),
      released: false,
      paused: false,
    },
    database: known(running()),
    databaseAt: instant(0),
    looked: true,
    guard: { alive: true, term: undefined, deadline: undefined, lostSince: undefined },
    slotsKeptAt: instant(0),
    publishedAt: instant(0),
    ...over,
  };
};

/** Member a, leading term 10 with a primary, at time 0. */
export const leader = (over: Partial<Memory> = {}): Memory =>
  follower({
    view: ownView(),
    reign: reign(),
    database: known(primary()),
    mayBePrimary: true,
    guard: { alive: true, term: term(10), deadline: instant(9_000), lostSince: undefined },
    ...over,
  });

export const feed = (m: Memory, event: Event, at: number): Step => step(m, event, moment(at), positions);

type Kind<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
/** The effects of one kind. */
export const those = <K extends Effect['kind']>(s: Step, kind: K): readonly Kind<K>[] =>
  s.effects.filter((e): e is Kind<K> => e.kind === kind);

/** The transaction in this step that writes this key, with its flight. */
export const writing = (s: Step, key: string): Kind<'transact'> | undefined =>
  those(s, 'transact').find((t) => t.transaction.writes.some((w) => w.key.kind === key));
