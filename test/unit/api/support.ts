import { postgresPositions, toPosition } from '../../../src/adapters/postgres/positions.ts';
import { lsnAt } from '../../../src/adapters/postgres/lsn.ts';
import {
  leaseId,
  ms,
  parseInstanceId,
  parseMemberName,
  revision,
  termOf,
  type InstanceId,
  type MemberName,
} from '../../../src/core/brand.ts';
import type { RunningDatabase } from '../../../src/core/database.ts';
import type { Instant } from '../../../src/core/instant.ts';
import { known } from '../../../src/core/known.ts';
import type { ClusterView, Keyed, MemberRecord } from '../../../src/core/model.ts';
import type { Position } from '../../../src/core/position.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../../src/core/settings.ts';
import type { AgentStatus } from '../../../src/core/status.ts';
import type { Log } from '../../../src/ports/log.ts';

export const positions = postgresPositions;
export const name = (text: string): MemberName => parseMemberName(text)!;
export const instance = (text: string): InstanceId => parseInstanceId(text)!;
export const term = (n: number) => termOf(revision(BigInt(n)));
export const keyed = <T>(value: T, rev = 10): Keyed<T> => ({ value, modRevision: revision(BigInt(rev)) });

/** A position `bytes` into timeline 3. */
export const at = (bytes: number): Position =>
  toPosition({ systemId: '7268616322854375442', timeline: 3, lsn: lsnAt(BigInt(bytes)), history: [] });

/** The moment of every request in these tests. */
export const NOW: Instant = { mono: 1_000_000, boot: 1_000_000 };
const WALL = Date.parse('2026-03-01T12:00:00Z');
/** A moment `byMs` after NOW (before it when negative). */
export const at0 = (byMs: number): Instant => ({ mono: NOW.mono + byMs, boot: NOW.boot + byMs });

export const primaryDatabase = (over: Partial<RunningDatabase> = {}): RunningDatabase => ({
  kind: 'running',
  systemId: '7268616322854375442',
  role: 'primary',
  writable: true,
  position: at(5_000_000),
  generation: 3,
  source: undefined,
  streaming: false,
  replay: undefined,
  receiver: undefined,
  acknowledgement: undefined,
  waitingCommits: 0,
  replicas: [
    {
      name: 'db2~bbbb',
      address: '10.0.0.2',
      state: 'streaming',
      sync: 'async',
      lag: 100,
      flushed: undefined,
      heardAgoMs: undefined,
    },
  ],
  slots: {},
  pendingRestart: [],
  serverVersion: '15.18',
  startedAt: WALL - 3_600_000,
  rewindable: true,
  ...over,
});

export const replicaDatabase = (over: Partial<RunningDatabase> = {}): RunningDatabase => ({
  ...primaryDatabase(),
  role: 'replica',
  writable: false,
  position: at(4_999_900),
  source: { member: name('db1'), host: '10.0.0.1', port: 5432 },
  streaming: true,
  replay: { received: at(4_999_950), applied: at(4_999_900), delayMs: 1_500, paused: false, blockers: 0 },
  receiver: undefined,
  acknowledgement: undefined,
  waitingCommits: 0,
  replicas: [],
  ...over,
});

export const member = (text: string, over: Partial<MemberRecord> = {}): MemberRecord => ({
  name: name(text),
  instance: instance(text === 'db1' ? 'aaaa' : text === 'db2' ? 'bbbb' : 'cccc'),
  agent: `agent-${text}`,
  lease: leaseId('7'),
  apiUrl: `http://10.0.0.${text.slice(2)}:8010`,
  host: `10.0.0.${text.slice(2)}`,
  port: 5432,
  role: text === 'db1' ? 'primary' : 'replica',
  state: text === 'db1' ? 'running' : 'streaming',
  generation: 3,
  position: at(1_000),
  tags: NO_TAGS,
  pendingRestart: false,
  version: '0.1.0',
  serverVersion: '15.18',
  ...over,
});

export const view = (over: Partial<ClusterView> = {}): ClusterView => ({
  revision: revision(100n),
  initialize: undefined,
  settings: keyed(DEFAULT_SETTINGS),
  configuration: undefined,
  configVersions: new Map(),
  leader: keyed(name('db1'), 42),
  heartbeat: keyed({
    term: term(42),
    seq: 9,
    member: name('db1'),
    instance: instance('aaaa'),
    agent: 'agent-db1',
    ttl: ms(10_000),
    released: false,
    cleared: true,
    paused: false,
    position: at(5_000_000),
    slots: {},
  }),
  history: undefined,
  olderTerms: new Map(),
  sync: undefined,
  pledges: new Map(),
  suspects: new Map(),
  failsafe: undefined,
  members: new Map(['db1', 'db2', 'db3'].map((n) => [name(n), keyed(member(n))])),
  intents: [],
  fenced: new Set(),
  unreadable: new Set(),
  problems: [],
  ...over,
});

const common = (): Omit<AgentStatus, 'name' | 'instance' | 'apiUrl' | 'host'> => ({
  cluster: 'demo',
  agent: 'agent-1',
  version: '0.1.0',
  engine: 'postgresql',
  port: 5432,
  agentStartedAt: WALL - 7_200_000,
  madeAt: at0(-100),
  databaseAt: at0(-150),
  leads: false,
  term: term(42),
  cleared: false,
  deadline: undefined,
  open: false,
  openUntil: undefined,
  serving: false,
  database: known(primaryDatabase()),
  role: 'primary',
  state: 'running',
  position: at(5_000_000),
  lag: undefined,
  lagUnit: 'bytes',
  tags: NO_TAGS,
  settings: DEFAULT_SETTINGS,
  view: view(),
  viewAt: at0(-500),
  storeTrouble: undefined,
  failsafe: { activeSince: undefined, refusals: [] },
  decision: { rule: 'leader.hold', why: 'holds the leader key', reasons: [], since: WALL - 1000, next: 'go on' },
  candidates: [
    {
      name: name('db1'),
      eligible: false,
      rank: undefined,
      lag: 0,
      reasons: [{ code: 'is-leader', text: 'it holds the leader key', blocks: true }],
    },
    { name: name('db2'), eligible: true, rank: 1, lag: 100, reasons: [] },
    {
      name: name('db3'),
      eligible: false,
      rank: undefined,
      lag: undefined,
      reasons: [{ code: 'nofailover', text: 'its tag nofailover is set', blocks: true }],
    },
  ],
  guard: { alive: true, armedTerm: term(42), cut: undefined },
  task: undefined,
  loopAt: WALL - 100,
  stopping: false,
});

/** db1: the leader of term 42, open, with seven seconds of its right left. */
export const leaderStatus = (over: Partial<AgentStatus> = {}): AgentStatus => ({
  ...common(),
  name: name('db1'),
  instance: instance('aaaa'),
  apiUrl: 'http://10.0.0.1:8010',
  host: '10.0.0.1',
  leads: true,
  cleared: true,
  open: true,
  deadline: at0(7_000),
  ...over,
});

/** db2: a streaming replica, 100 bytes and 1.5 seconds behind. */
export const replicaStatus = (over: Partial<AgentStatus> = {}): AgentStatus => ({
  ...common(),
  name: name('db2'),
  instance: instance('bbbb'),
  apiUrl: 'http://10.0.0.2:8010',
  host: '10.0.0.2',
  serving: true,
  database: known(replicaDatabase()),
  role: 'replica',
  state: 'streaming',
  position: at(4_999_900),
  lag: 100,
  ...over,
});

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
