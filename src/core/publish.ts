import type { Memory } from './memory.ts';
import type { DatabaseRole, MemberRecord, MemberState } from './model.ts';
import type { PositionAlgebra } from './position.ts';
import { NEVER } from './brand.ts';
import { proposeMember } from './proposals.ts';
import { leaves } from './quorum/leaving.ts';
import type { StateTransaction } from './transaction.ts';
import { leaderPosition, takeSnapshot, wantedSource, type Snapshot } from './snapshot.ts';

/** What this member says of its own database in one word. */
export const stateOf = (m: Memory): MemberState => {
  const running = m.task?.task.kind;
  if (running === 'initialize') return 'initializing';
  if (running === 'clone') return 'cloning';
  if (running === 'rewind') return 'rewinding';
  if (running === 'stop') return 'stopping';
  if (running === 'start' || running === 'restart') return 'starting';
  if (m.database.kind === 'unknown') return 'starting';
  const db = m.database.value;
  switch (db.kind) {
    case 'running':
      return db.role === 'primary' ? 'running' : db.streaming ? 'streaming' : 'catching-up';
    case 'stopped':
      return db.cleanly ? 'stopped' : 'crashed';
    case 'starting':
      return 'starting';
    case 'unresponsive':
      return 'unresponsive';
    case 'empty':
    case 'incomplete':
      return 'stopped';
    case 'unusable':
      return 'failed';
    default:
      return db satisfies never;
  }
};

export const roleOf = (m: Memory): DatabaseRole =>
  m.database.kind === 'known' && m.database.value.kind === 'running' ? m.database.value.role : 'none';

/** The member's key as it should be; undefined while there is no lease to put it on. */
export const memberRecord = (m: Memory, positions: PositionAlgebra): MemberRecord | undefined => {
  if (m.lease === undefined) return undefined;
  const running = m.database.kind === 'known' && m.database.value.kind === 'running' ? m.database.value : undefined;
  return {
    name: m.self.name,
    instance: m.instance,
    agent: m.self.agent,
    lease: m.lease,
    apiUrl: m.self.apiUrl,
    host: m.self.host,
    port: m.self.port,
    role: roleOf(m),
    state: stateOf(m),
    generation: running?.generation ?? (running === undefined ? 0 : positions.generation(running.position)),
    position: running?.position,
    // A voter that goes away by plan leaves first: its leader sees it go before it goes.
    tags: leaves(m) ? { ...m.self.tags, nosync: true } : m.self.tags,
    pendingRestart: (running?.pendingRestart.length ?? 0) > 0,
    version: m.self.version,
    serverVersion: running?.serverVersion ?? '',
    ...(m.self.mostAcks === undefined ? {} : { mostAcks: m.self.mostAcks }),
    dropped: running?.dropped ?? m.view?.members.get(m.self.name)?.value.dropped,
  };
};

/**
 * Two records are the same when nothing but the position differs: an idle or merely busy cluster writes nothing. Asked at
 * every step, so it makes no text unless they hold two objects.
 */
const same = (a: MemberRecord, b: MemberRecord): boolean => {
  const [ours, theirs]: readonly Readonly<Record<string, unknown>>[] = [{ ...a }, { ...b }];
  for (const key in ours)
    if (ours[key] !== theirs?.[key] && key !== 'position' && !(OBJECTS.has(key) && sameText(ours[key], theirs?.[key])))
      return false;
  return true;
};

const OBJECTS: ReadonlySet<string> = new Set(['tags', 'dropped']);

const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The transaction that publishes this member, if something has changed. */
export const publishMember = (m: Memory, positions: PositionAlgebra): StateTransaction | undefined => {
  if (m.view === undefined) return undefined;
  const record = memberRecord(m, positions);
  const published = m.view.members.get(m.self.name);
  if (record === undefined || (published !== undefined && same(published.value, record))) return undefined;
  return proposeMember(record, published?.modRevision ?? NEVER);
};

/** A replica that may serve reads: it follows the newest generation, from the source that it should have (invariant I5). */
export const serves = (s: Snapshot): boolean => {
  const { running } = s;
  if (running?.role !== 'replica' || s.m.task?.task.kind === 'stop') return false;
  const source = wantedSource(s);
  const leader = leaderPosition(s);
  if (leader !== undefined && s.positions.compare(running.position, leader) === 'diverged') return false;
  const sourceRight =
    source === undefined || (running.source?.host === source.host && running.source.port === source.port);
  return running.streaming && sourceRight;
};

/** How far this replica's applied position is behind the leader's last published one. */
export const lagOf = (m: Memory, positions: PositionAlgebra): number | undefined => {
  const s = takeSnapshot(m, positions);
  const leader = leaderPosition(s);
  const own = s.running?.replay?.applied ?? s.running?.position;
  if (leader === undefined || own === undefined) return undefined;
  return positions.compare(own, leader) === 'diverged' ? undefined : positions.distance(own, leader);
};
