import * as fc from 'fast-check';
import {
  leaseId,
  ms,
  parseInstanceId,
  parseMemberName,
  revision,
  termOf,
  type InstanceId,
  type MemberName,
  type Term,
} from '../../../src/core/brand.ts';
import type { Position, PositionAlgebra } from '../../../src/core/position.ts';
import type { KeyKind, KeyRef, KeyValues, StatePut } from '../../../src/core/transaction.ts';

/** A position that is one number: enough to see that the form goes through unharmed. */
export const POSITIONS: PositionAlgebra = {
  parse: (raw) =>
    typeof raw === 'object' && raw !== null && 'engine' in raw && raw.engine === 'test' && 'at' in raw
      ? Number.isInteger(raw.at)
        ? { engine: 'test', at: raw.at }
        : undefined
      : undefined,
  compare: () => 'equal',
  distance: () => 0,
  unit: 'bytes',
  describe: () => 'test',
  generation: () => 0,
};

export const memberName = fc
  .stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/)
  .map((text): MemberName => parseMemberName(text)!);
const instance = fc.stringMatching(/^[a-z0-9]{4,32}$/).map((text): InstanceId => parseInstanceId(text)!);
const voter = fc.tuple(memberName, instance).map(([name, id]) => `${name}~${id}`);
export const term = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map((n): Term => termOf(revision(BigInt(n))));
const lease = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map((n) => leaseId(String(n)));
const position: fc.Arbitrary<Position | undefined> = fc.option(
  fc.maxSafeNat().map((at) => ({ engine: 'test', at })),
  { nil: undefined },
);
const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((raw) => raw.replace(/[\p{C}\p{Z}]/gu, ' '));
const isoTime = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2999-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const wall = fc.integer({ min: 0, max: 4_000_000_000_000 });
const lines = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/).filter((key) => !['constructor', 'prototype'].includes(key)),
  text,
  { noNullPrototype: true, maxKeys: 4 },
);
const url = fc.constantFrom('http://10.0.0.1:8010', 'https://db-1.example.com:8010/x');
const generation = fc.integer({ min: 0, max: 0xffff_ffff });

const loss = fc.oneof(
  fc.record({
    kind: fc.constant('none' as const),
    proof: fc.constantFrom('quorum', 'final-position', 'same-database'),
  }),
  fc.record({
    kind: fc.constant('measured' as const),
    amount: fc.nat(),
    unit: fc.constantFrom('bytes', 'transactions'),
  }),
);
const history = fc.record(
  {
    member: memberName,
    instance,
    generation,
    how: fc.constantFrom('bootstrap', 'acquire', 'take-over', 're-acquire', 'hand-over', 'restart'),
    reason: text,
    at: isoTime,
    from: position,
    loss,
  },
  { requiredKeys: ['member', 'instance', 'generation', 'how', 'reason', 'at', 'from'] },
);
const configVersion = fc.record({
  number: fc.integer({ min: 1, max: 999_999_999 }),
  document: fc.constantFrom(
    {},
    { ttl: '20s' },
    { replication: { mode: 'async', acks: 2 }, parameters: { work_mem: '8MB' } },
  ),
  by: text,
  at: isoTime,
});
const intentBase = {
  id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/),
  by: text,
  at: fc.option(wall, { nil: undefined }),
  outcome: fc.option(fc.record({ kind: fc.constantFrom('done', 'refused', 'failed'), reason: text, at: wall }), {
    nil: undefined,
  }),
};
const someone = fc.option(memberName, { nil: undefined });

/** Any value of each kind of key, as an agent could write it. */
export const values: { readonly [K in KeyKind]: fc.Arbitrary<KeyValues[K]> } = {
  leader: memberName,
  initialize: fc.record({
    systemId: fc.option(fc.constantFrom('7381234567890123456', 'a1b2-c3'), { nil: undefined }),
    how: fc.constantFrom('created', 'adopted'),
    engine: fc.constantFrom('postgresql', 'mysql'),
    by: memberName,
    instance,
  }),
  heartbeat: fc.record({
    term: fc.option(term, { nil: undefined }),
    seq: fc.nat(),
    member: memberName,
    instance,
    agent: fc.stringMatching(/^[a-z0-9]{4,20}$/),
    ttl: fc.integer({ min: 3_000, max: 60_000 }).map(ms),
    released: fc.boolean(),
    cleared: fc.boolean(),
    paused: fc.boolean(),
    position,
    slots: lines,
  }),
  history,
  'history-of': history,
  sync: fc.array(
    fc
      .record({ term, leader: voter, voters: fc.uniqueArray(voter, { maxLength: 5 }), acks: fc.nat(5) })
      .map((entry) => ({ ...entry, acks: Math.min(entry.acks, entry.voters.length) })),
    { maxLength: 4 },
  ),
  config: configVersion,
  'config-version': configVersion,
  failsafe: fc.record({
    term,
    members: fc.uniqueArray(fc.record({ name: memberName, apiUrl: url }), { selector: (m) => m.name, maxLength: 5 }),
  }),
  member: fc.record(
    {
      name: memberName,
      instance,
      agent: fc.stringMatching(/^[a-z0-9]{4,20}$/),
      lease,
      apiUrl: url,
      host: fc.constantFrom('10.0.0.1', 'db-1.example.com', '::1'),
      port: fc.integer({ min: 1, max: 65_535 }),
      role: fc.constantFrom('primary', 'replica', 'none'),
      state: fc.constantFrom('starting', 'running', 'streaming', 'catching-up', 'fenced', 'failed'),
      generation,
      position,
      tags: fc.record({
        nofailover: fc.boolean(),
        failoverPriority: fc.nat(),
        noloadbalance: fc.boolean(),
        clonefrom: fc.boolean(),
        replicatefrom: someone,
        nosync: fc.boolean(),
        syncPriority: fc.nat(),
        custom: lines,
      }),
      pendingRestart: fc.boolean(),
      version: text,
      serverVersion: text,
      mostAcks: fc.option(fc.nat(100), { nil: undefined }),
      dropped: fc.record({
        folder: fc.constant('/var/lib/haagent/postgres/lost-20261125153000'),
        generation,
        from: fc.constant('0/3000028'),
        bytes: fc.nat(),
        commits: fc.nat(),
      }),
    },
    {
      requiredKeys: [
        'name',
        'instance',
        'agent',
        'lease',
        'apiUrl',
        'host',
        'port',
        'role',
        'state',
        'generation',
        'position',
        'tags',
        'pendingRestart',
        'version',
        'serverVersion',
      ],
    },
  ),
  pledge: fc.record({ member: memberName, instance, term: fc.option(term, { nil: undefined }), position }),
  suspect: fc.record({ member: memberName, instance, term, evidence: fc.constantFrom('silence', 'refused') }),
  intent: fc.oneof(
    fc.record({ ...intentBase, kind: fc.constant('switchover' as const), from: someone, to: someone }),
    fc.record({ ...intentBase, kind: fc.constant('failover' as const), to: memberName, allowDataLoss: fc.boolean() }),
    fc.record({
      ...intentBase,
      kind: fc.constant('restart' as const),
      member: memberName,
      onlyIfPending: fc.boolean(),
    }),
    fc.record({
      ...intentBase,
      kind: fc.constant('reinitialize' as const),
      member: memberName,
      fromLeader: fc.boolean(),
    }),
  ),
  fenced: fc.record({ member: memberName }),
};

/** A put whose key says the same as its value. */
export const put: fc.Arbitrary<StatePut> = fc.oneof(
  ...(['leader', 'initialize', 'heartbeat', 'history', 'sync', 'config', 'failsafe'] as const).map((kind) =>
    values[kind].map((value) => ({ kind: 'put', key: { kind }, value }) as StatePut),
  ),
  values.member.map((value): StatePut => ({ kind: 'put', key: { kind: 'member', name: value.name }, value })),
  values.pledge.map((value): StatePut => ({ kind: 'put', key: { kind: 'pledge', name: value.member }, value })),
  values.suspect.map((value): StatePut => ({ kind: 'put', key: { kind: 'suspect', name: value.member }, value })),
  values.intent.map((value): StatePut => ({ kind: 'put', key: { kind: 'intent', id: value.id }, value })),
  fc
    .tuple(term, values.fenced)
    .map(([of, value]): StatePut => ({ kind: 'put', key: { kind: 'fenced', term: of }, value })),
  fc
    .tuple(term, history)
    .map(([of, value]): StatePut => ({ kind: 'put', key: { kind: 'history-of', term: of }, value })),
  configVersion.map((value): StatePut => ({
    kind: 'put',
    key: { kind: 'config-version', number: value.number },
    value,
  })),
);

export const keyRef: fc.Arbitrary<KeyRef> = put.map(({ key }) => key);
