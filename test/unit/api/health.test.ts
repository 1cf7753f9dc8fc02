import { describe, expect, test } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import { known, unknown } from '../../../src/core/known.ts';
import { DEFAULT_SETTINGS, NO_TAGS, type Settings } from '../../../src/core/settings.ts';
import { STATUS_MAX_AGE, type AgentStatus } from '../../../src/core/status.ts';
import { healthChecks } from '../../../src/api/health.ts';
import { parseHealthQuery } from '../../../src/api/health-query.ts';
import {
  at0,
  keyed,
  leaderStatus,
  NOW,
  primaryDatabase,
  replicaDatabase,
  replicaStatus,
  term,
  view,
} from './support.ts';

const checks = healthChecks(at0(-1_000), () => 50);

const ask = (url: string, status: AgentStatus | undefined): number => {
  const [path = '', search = ''] = url.split('?');
  return checks.get(path)!(status, NOW, parseHealthQuery(search)).code;
};

const mode = (how: 'sync' | 'quorum'): Settings => ({
  ...DEFAULT_SETTINGS,
  replication: { ...DEFAULT_SETTINGS.replication, mode: how },
});
const voters = (...names: string[]) =>
  view({ sync: keyed([{ term: term(42), leader: 'db1~aaaa', voters: names, acks: 1 }]) });

const OLD = at0(-(STATUS_MAX_AGE + 1));
const fence = DEFAULT_SETTINGS.timing.fenceBudget;
const lead = leaderStatus();
const rep = replicaStatus();
const tagged = replicaStatus({ tags: { ...NO_TAGS, clonefrom: true, custom: { zone: 'a', rack: '7' } } });

describe('who takes writes', () => {
  const table: readonly (readonly [what: string, status: AgentStatus | undefined, primary: number, leader: number])[] =
    [
      ['seen to be open until now', leaderStatus({ openUntil: at0(1) }), 200, 200],
      ['not looked at since it may be late', leaderStatus({ openUntil: at0(0) }), 503, 200],
      ['the open leader with its right ahead', lead, 200, 200],
      ['no status yet', undefined, 503, 503],
      ['a leader whose fence begins only after this request', leaderStatus({ deadline: at0(fence + 1) }), 200, 200],
      ['a leader whose fence begins now', leaderStatus({ deadline: at0(fence) }), 503, 503],
      ['a leader whose deadline has passed', leaderStatus({ deadline: at0(-1) }), 503, 503],
      [
        'a leader whose deadline passed on the suspended clock only',
        leaderStatus({ deadline: { mono: NOW.mono + 9_000, boot: NOW.boot } }),
        503,
        503,
      ],
      ['a leader without a deadline', leaderStatus({ deadline: undefined }), 503, 503],
      ['a leader whose loop hangs', leaderStatus({ madeAt: OLD, deadline: at0(60_000) }), 503, 503],
      ['a leader that is not open', leaderStatus({ open: false }), 503, 200],
      ['a leader that is stopping', leaderStatus({ stopping: true }), 503, 503],
      ['a leader whose database is a replica still', leaderStatus({ role: 'replica' }), 503, 200],
      ['an open member without the key', leaderStatus({ leads: false }), 503, 503],
      ['a replica', rep, 503, 503],
      [
        'a leader under pause, whose right does not end by time',
        leaderStatus({
          deadline: at0(-60_000),
          view: view({ heartbeat: keyed({ ...view().heartbeat!.value, paused: true }) }),
        }),
        200,
        200,
      ],
      [
        "a leader that sees another term's pause",
        leaderStatus({
          deadline: at0(-60_000),
          view: view({ heartbeat: keyed({ ...view().heartbeat!.value, paused: true, term: term(41) }) }),
        }),
        503,
        503,
      ],
    ];
  test.each(table)('%s', (_what, status, primary, leader) => {
    for (const path of ['/', '/primary', '/master', '/read-write']) expect(ask(path, status)).toBe(primary);
    expect(ask('/leader', status)).toBe(leader);
    expect(ask('/standby-leader', status)).toBe(503);
  });
});

describe('who serves reads', () => {
  const table: readonly (readonly [what: string, url: string, status: AgentStatus | undefined, code: number])[] = [
    ['a streaming replica', '/replica', rep, 200],
    ['no status yet', '/replica', undefined, 503],
    ['an old status', '/replica', replicaStatus({ madeAt: OLD }), 503],
    ['a stopping agent', '/replica', replicaStatus({ stopping: true }), 503],
    ['a replica that must not serve', '/replica', replicaStatus({ serving: false }), 503],
    ['noloadbalance', '/replica', replicaStatus({ tags: { ...NO_TAGS, noloadbalance: true } }), 503],
    ['a stopped database', '/replica', replicaStatus({ database: unknown('no answer') }), 503],
    ['the primary', '/replica', lead, 503],
    ['the primary as reader', '/read-only', lead, 200],
    ['the primary as reader, tags apply', '/read-only?tag_zone=a', lead, 503],
    ['a replica as reader', '/read-only', rep, 200],
    ['lag within bytes', '/replica?lag=100', rep, 200],
    ['lag over bytes', '/replica?lag=99', rep, 503],
    ['lag with a unit', '/replica?lag=10MB', rep, 200],
    ['lag with a unit as Patroni writes it', '/replica?lag=16kB', replicaStatus({ lag: 16_385 }), 503],
    ['lag unknown', '/replica?lag=10MB', replicaStatus({ lag: undefined }), 503],
    ['lag in seconds, within', '/replica?lag=2s', rep, 200],
    ['lag in seconds, over', '/replica?lag=1s', rep, 503],
    ['lag in milliseconds', '/replica?lag=1500ms', rep, 200],
    ['age unknown', '/replica?lag=5s', replicaStatus({ database: known(replicaDatabase({ replay: undefined })) }), 503],
    ['a limit that cannot be read is not ignored', '/replica?lag=ten', rep, 503],
    ['a negative limit', '/replica?lag=-1', rep, 503],
    [
      'bytes asked of an engine that counts transactions',
      '/replica?lag=10MB',
      replicaStatus({ lagUnit: 'transactions' }),
      503,
    ],
    ['transactions', '/replica?lag=100', replicaStatus({ lagUnit: 'transactions' }), 200],
    ['state streaming', '/replica?replication_state=streaming', rep, 200],
    [
      'state wanted streaming, found archive recovery',
      '/replica?replication_state=streaming',
      replicaStatus({ state: 'catching-up', database: known(replicaDatabase({ streaming: false })) }),
      503,
    ],
    [
      "Patroni's word for it",
      '/replica?replication_state=in%20archive%20recovery',
      replicaStatus({ state: 'catching-up', database: known(replicaDatabase({ streaming: false })) }),
      200,
    ],
    ['a tag', '/replica?tag_zone=a', tagged, 200],
    ['a tag with another value', '/replica?tag_zone=b', tagged, 503],
    ['two tags, both right', '/replica?tag_zone=a&tag_rack=7', tagged, 200],
    ['two tags, one wrong', '/replica?tag_zone=a&tag_rack=8', tagged, 503],
    ['a tag that the member does not have', '/replica?tag_color=red', tagged, 503],
    ['a built-in tag', '/replica?tag_clonefrom=true', tagged, 200],
    ['parameters of others are left alone', '/replica?probe=1', rep, 200],
  ];
  test.each(table)('%s: %s', (_what, url, status, code) => {
    expect(ask(url, status)).toBe(code);
  });
});

describe('who is waited for', () => {
  const sync = replicaStatus({ settings: mode('sync'), view: voters('db2~bbbb') });
  const other = replicaStatus({ settings: mode('sync'), view: voters('db3~cccc') });
  const quorum = replicaStatus({ settings: mode('quorum'), view: voters('db2~bbbb', 'db3~cccc') });
  const reborn = replicaStatus({ settings: mode('sync'), view: voters('db2~dddd') });
  const joint = replicaStatus({
    settings: mode('sync'),
    view: view({
      sync: keyed([
        { term: term(41), leader: 'db3~cccc', voters: ['db1~aaaa'], acks: 1 },
        { term: term(42), leader: 'db1~aaaa', voters: ['db2~bbbb'], acks: 1 },
      ]),
    }),
  });
  const noAcks = replicaStatus({
    settings: mode('sync'),
    view: view({ sync: keyed([{ term: term(42), leader: 'db1~aaaa', voters: ['db2~bbbb'], acks: 0 }]) }),
  });
  const blind = replicaStatus({ settings: mode('sync'), view: voters('db2~bbbb'), viewAt: at0(-10_001) });
  const table: readonly (readonly [what: string, status: AgentStatus, sync: number, async: number, quorum: number])[] =
    [
      ['async mode', rep, 503, 200, 503],
      ['a voter in sync mode', sync, 200, 503, 503],
      ['no voter in sync mode', other, 503, 200, 503],
      ['a voter in quorum mode', quorum, 503, 503, 200],
      ['the voter was another instance', reborn, 503, 200, 503],
      ['a voter of one entry only', joint, 503, 200, 503],
      ['nobody is waited for', noAcks, 503, 200, 503],
      ['etcd unread for longer than the ttl', blind, 503, 503, 503],
      ['the leader', lead, 503, 503, 503],
    ];
  test.each(table)('%s', (_what, status, wantSync, wantAsync, wantQuorum) => {
    for (const path of ['/sync', '/synchronous']) expect(ask(path, status)).toBe(wantSync);
    for (const path of ['/async', '/asynchronous']) expect(ask(path, status)).toBe(wantAsync);
    expect(ask('/quorum', status)).toBe(wantQuorum);
    const leads = status.leads ? 200 : undefined;
    expect(ask('/read-only-sync', status)).toBe(leads ?? wantSync);
    expect(ask('/read-only-quorum', status)).toBe(leads ?? wantQuorum);
  });
  test('a lag limit applies to synchronous replicas too', () => {
    expect(ask('/sync?lag=99', sync)).toBe(503);
  });
});

describe('probes', () => {
  const table: readonly (readonly [what: string, url: string, status: AgentStatus | undefined, code: number])[] = [
    ['a running database', '/health', rep, 200],
    [
      'a hung database',
      '/health',
      replicaStatus({ database: known({ kind: 'unresponsive', systemId: '1', forMs: ms(9), why: 'x' }) }),
      503,
    ],
    ['the loop runs', '/liveness', rep, 200],
    ['the loop runs without a database', '/liveness', replicaStatus({ database: unknown('x') }), 200],
    ['the loop runs while stopping', '/liveness', replicaStatus({ stopping: true }), 200],
    ['the loop hangs', '/liveness', replicaStatus({ madeAt: OLD }), 503],
    ['an agent that has just started', '/liveness', undefined, 200],
    ['the leader', '/readiness', lead, 200],
    ['a close replica', '/readiness', rep, 200],
    ['a far replica', '/readiness', replicaStatus({ lag: 2_000_000 }), 503],
    ['a far replica with a wide limit', '/readiness?lag=10MB', replicaStatus({ lag: 2_000_000 }), 200],
    ['what is written counts, not what is applied', '/readiness?lag=60&mode=write', rep, 200],
    ['what is applied counts by default', '/readiness?lag=60', rep, 503],
    [
      'a replica without a stream',
      '/readiness',
      replicaStatus({ database: known(replicaDatabase({ streaming: false })) }),
      503,
    ],
    [
      'a primary without the key',
      '/readiness',
      leaderStatus({ leads: false, database: known(primaryDatabase()) }),
      503,
    ],
  ];
  test.each(table)('%s: %s', (_what, url, status, code) => {
    expect(ask(url, status)).toBe(code);
  });
  test('an agent that never gets to a status is not alive', () => {
    const late = healthChecks(at0(-60_001), () => 0);
    expect(late.get('/liveness')!(undefined, NOW, parseHealthQuery('')).code).toBe(503);
  });
});

test('every 503 says why, in text that fits a header', () => {
  const statuses = [undefined, lead, rep, replicaStatus({ madeAt: OLD }), replicaStatus({ database: unknown('x') })];
  for (const [, check] of checks)
    for (const status of statuses) {
      const verdict = check(status, NOW, parseHealthQuery('lag=ü&tag_ü%0d%0a=x&replication_state=%0d%0aX'));
      if (verdict.code === 503) expect(verdict.why).toMatch(/^[\x20-\x7e]{8,}$/);
    }
});
