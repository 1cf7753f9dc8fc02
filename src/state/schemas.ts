import { z } from 'zod';
import {
  MEMBER_STATES,
  type ConfigVersion,
  type DatabaseRole,
  type Failsafe,
  type Fenced,
  type Heartbeat,
  type HistoryEntry,
  type Initialize,
  type Intent,
  type MemberRecord,
  type Pledge,
  type Suspicion,
  type SyncEntry,
} from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Tags } from '../core/settings.ts';
import { parseIntentId } from './paths.ts';
import {
  count,
  generation,
  host,
  identifier,
  instanceId,
  isoTime,
  lease,
  line,
  lines,
  memberName,
  port,
  termNumber,
  text,
  ttl,
  url,
  voter,
  wallTime,
} from './fields.ts';

/**
 * The values in etcd: JSON with snake_case fields and `v`, the version of the form. Fields that this version does not know
 * are passed over, so that a newer agent of the same version may add some; a newer `v` is refused before it gets here.
 * Each schema yields a function that completes the value with the engine's positions, which `decode.ts` has checked.
 */
export const VERSION = 1;

type Read<T> = (positions: PositionAlgebra) => T;

const v = z.literal(VERSION);
const position = z.unknown().optional();
const ENGINE = z.string().regex(/^[a-z][a-z0-9]{0,31}$/);

export const initialize = z
  .object({
    v,
    system_id: identifier.optional(),
    how: z.enum(['created', 'adopted']),
    engine: ENGINE,
    by: memberName,
    instance: instanceId,
  })
  .transform((w): Read<Initialize> => () => ({
    systemId: w.system_id,
    how: w.how,
    engine: w.engine,
    by: w.by,
    instance: w.instance,
  }));

export const heartbeat = z
  .object({
    v,
    term: termNumber.optional(),
    seq: count,
    member: memberName,
    instance: instanceId,
    agent: identifier,
    ttl,
    released: z.boolean(),
    cleared: z.boolean(),
    paused: z.boolean(),
    position,
    slots: lines,
  })
  .transform((w): Read<Heartbeat> => (positions) => ({
    term: w.term,
    seq: w.seq,
    member: w.member,
    instance: w.instance,
    agent: w.agent,
    ttl: w.ttl,
    released: w.released,
    cleared: w.cleared,
    paused: w.paused,
    position: positions.parse(w.position),
    slots: w.slots,
  }));

export const history = z
  .object({
    v,
    member: memberName,
    instance: instanceId,
    generation,
    how: z.enum(['bootstrap', 'acquire', 'take-over', 're-acquire', 'hand-over', 'restart']),
    reason: text,
    at: isoTime,
    from: position,
    loss: z
      .discriminatedUnion('kind', [
        z.object({ kind: z.literal('none'), proof: z.enum(['quorum', 'final-position', 'same-database']) }),
        z.object({ kind: z.literal('measured'), amount: z.number().min(0), unit: z.enum(['bytes', 'transactions']) }),
      ])
      .optional(),
  })
  .transform((w): Read<HistoryEntry> => (positions) => ({
    member: w.member,
    instance: w.instance,
    generation: w.generation,
    how: w.how,
    reason: w.reason,
    at: w.at,
    from: positions.parse(w.from),
    ...(w.loss === undefined ? {} : { loss: w.loss }),
  }));

const syncEntry = z
  .object({ term: termNumber.optional(), leader: voter, voters: z.array(voter).max(100), acks: count })
  .refine((entry) => new Set(entry.voters).size === entry.voters.length, 'names a voter twice')
  .refine((entry) => entry.acks <= entry.voters.length, 'asks for more acks than it has voters')
  .transform((w): SyncEntry => ({ term: w.term, leader: w.leader, voters: w.voters, acks: w.acks }));

export const sync = z.object({ v, entries: z.array(syncEntry).max(100) }).transform(
  (w): Read<readonly SyncEntry[]> =>
    () =>
      w.entries,
);

const tags = z
  .object({
    nofailover: z.boolean(),
    failover_priority: count,
    noloadbalance: z.boolean(),
    clonefrom: z.boolean(),
    replicatefrom: memberName.optional(),
    nosync: z.boolean(),
    sync_priority: count,
    custom: lines,
  })
  .transform((w): Tags => ({
    nofailover: w.nofailover,
    failoverPriority: w.failover_priority,
    noloadbalance: w.noloadbalance,
    clonefrom: w.clonefrom,
    replicatefrom: w.replicatefrom,
    nosync: w.nosync,
    syncPriority: w.sync_priority,
    custom: w.custom,
  }));

const ROLES = ['primary', 'replica', 'none'] as const satisfies readonly DatabaseRole[];

export const member = z
  .object({
    v,
    name: memberName,
    instance: instanceId,
    agent: identifier,
    lease,
    api_url: url,
    host,
    port,
    role: z.enum(ROLES),
    state: z.enum(MEMBER_STATES),
    generation,
    position,
    tags,
    pending_restart: z.boolean(),
    version: line,
    server_version: line,
    most_acks: z.number().int().min(0).max(100).optional(),
    dropped: z.object({ folder: text, generation, from: line, bytes: count, commits: count }).optional(),
  })
  .transform((w): Read<MemberRecord> => (positions) => ({
    name: w.name,
    instance: w.instance,
    agent: w.agent,
    lease: w.lease,
    apiUrl: w.api_url,
    host: w.host,
    port: w.port,
    role: w.role,
    state: w.state,
    generation: w.generation,
    position: positions.parse(w.position),
    tags: w.tags,
    pendingRestart: w.pending_restart,
    version: w.version,
    serverVersion: w.server_version,
    ...(w.most_acks === undefined ? {} : { mostAcks: w.most_acks }),
    ...(w.dropped === undefined ? {} : { dropped: w.dropped }),
  }));

const intentBase = {
  v,
  id: z.string().refine((id) => parseIntentId(id) !== undefined, 'is not an intent id'),
  by: text,
  at: wallTime.optional(),
  outcome: z.object({ kind: z.enum(['done', 'refused', 'failed']), reason: text, at: wallTime }).optional(),
};

export const intent = z
  .discriminatedUnion('kind', [
    z.object({ ...intentBase, kind: z.literal('switchover'), from: memberName.optional(), to: memberName.optional() }),
    z.object({ ...intentBase, kind: z.literal('failover'), to: memberName, allow_data_loss: z.boolean() }),
    z.object({ ...intentBase, kind: z.literal('restart'), member: memberName, only_if_pending: z.boolean() }),
    z.object({ ...intentBase, kind: z.literal('reinitialize'), member: memberName, from_leader: z.boolean() }),
  ])
  .transform((w): Read<Intent> => {
    const base = { id: w.id, by: w.by, at: w.at, outcome: w.outcome };
    switch (w.kind) {
      case 'switchover':
        return () => ({ ...base, kind: w.kind, from: w.from, to: w.to });
      case 'failover':
        return () => ({ ...base, kind: w.kind, to: w.to, allowDataLoss: w.allow_data_loss });
      case 'restart':
        return () => ({ ...base, kind: w.kind, member: w.member, onlyIfPending: w.only_if_pending });
      case 'reinitialize':
        return () => ({ ...base, kind: w.kind, member: w.member, fromLeader: w.from_leader });
      default:
        return w satisfies never;
    }
  });

export const pledge = z
  .object({ v, member: memberName, instance: instanceId, term: termNumber.optional(), position })
  .transform((w): Read<Pledge> => (positions) => ({
    member: w.member,
    instance: w.instance,
    term: w.term,
    position: positions.parse(w.position),
  }));

export const suspect = z
  .object({ v, member: memberName, instance: instanceId, term: termNumber, evidence: z.enum(['silence', 'refused']) })
  .transform((w): Read<Suspicion> => () => ({
    member: w.member,
    instance: w.instance,
    term: w.term,
    evidence: w.evidence,
  }));

export const failsafe = z
  .object({ v, term: termNumber, members: z.array(z.object({ name: memberName, api_url: url })).max(100) })
  .refine((w) => new Set(w.members.map((each) => each.name)).size === w.members.length, 'names a member twice')
  .transform((w): Read<Failsafe> => () => ({
    term: w.term,
    members: w.members.map((each) => ({ name: each.name, apiUrl: each.api_url })),
  }));

export const fenced = z.object({ v, member: memberName }).transform((w): Read<Fenced> => () => ({ member: w.member }));

/** The document itself is checked by the schema of the dynamic configuration. */
export const configVersion = z
  .object({ v, number: z.int().min(1), document: z.record(z.string(), z.unknown()), by: text, at: isoTime })
  .transform((w): Read<ConfigVersion> => () => ({ number: w.number, document: w.document, by: w.by, at: w.at }));
