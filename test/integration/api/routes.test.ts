import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPeers } from '../../../src/adapters/http/peers.ts';
import { ms } from '../../../src/core/brand.ts';
import { known } from '../../../src/core/known.ts';
import {
  at,
  instance,
  keyed,
  member,
  name,
  positions,
  replicaDatabase,
  replicaStatus,
  term,
  view,
} from '../../unit/api/support.ts';
import { createTestCluster, startApi, type TestApi, type TestCluster } from './support.ts';

let cluster: TestCluster;
let agent: TestApi;
beforeEach(async () => {
  cluster = createTestCluster(
    view({
      members: new Map(
        ['db1', 'db2', 'db3'].map((n) => [
          name(n),
          keyed(member(n, { apiUrl: 'http://127.0.0.1:1', position: at(4_999_999) })),
        ]),
      ),
    }),
  );
  agent = await startApi(cluster);
});
afterEach(async () => {
  await agent.close();
  await cluster.close();
});

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(agent.url + path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: (): unknown => JSON.parse(text) };
};

describe('health', () => {
  test.each([
    '/',
    '/primary',
    '/leader',
    '/read-write',
    '/master',
    '/health',
    '/liveness',
    '/readiness',
    '/read-only',
    '/primary/',
  ])('GET, HEAD and OPTIONS of %s say the same', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ role: 'primary', patroni: { version: '4.1.5', scope: 'demo', name: 'db1' } });
    for (const method of ['HEAD', 'OPTIONS']) {
      const bare = await get(path, { method });
      expect(bare.status).toBe(200);
      expect(bare.text).toBe('');
    }
  });
  test('503 comes with the same body and says why', async () => {
    const answer = await get('/replica?lag=10MB');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-haagent-why')).toBe('the database is the primary');
    expect(answer.json()).toMatchObject({ state: 'running' });
  });
  test('before the first status', async () => {
    agent.status = undefined;
    expect((await get('/primary')).status).toBe(503);
    expect((await get('/liveness')).status).toBe(200);
    expect((await get('/status')).status).toBe(503);
    expect((await get('/cluster')).json()).toMatchObject({ code: 'not-ready', status: 503 });
  });
  test('a new status is seen by the next request', async () => {
    expect((await get('/primary')).status).toBe(200);
    agent.status = { ...agent.status!, open: false };
    expect((await get('/primary')).status).toBe(503);
  });
  test('POST to a health path is not one', async () => {
    expect((await get('/primary', { method: 'POST' })).status).toBe(404);
  });
});

describe("Patroni's shapes", () => {
  test('/patroni of the primary', async () => {
    const { text } = await get('/patroni');
    expect(JSON.parse(text)).toEqual({
      state: 'running',
      postmaster_start_time: '2026-03-01 11:00:00.000+00:00',
      role: 'primary',
      server_version: 150018,
      xlog: { location: 5_000_000 },
      timeline: 3,
      replication: [{ application_name: 'db2', client_addr: '10.0.0.2', state: 'streaming', sync_state: 'async' }],
      dcs_last_seen: expect.any(Number) as number,
      database_system_identifier: '7268616322854375442',
      patroni: { version: '4.1.5', scope: 'demo', name: 'db1' },
      haagent: { version: '0.1.0' },
    });
    expect(text).not.toContain('null');
  });
  test('/patroni of a replica', async () => {
    agent.status = replicaStatus({ madeAt: agent.status!.madeAt, view: cluster.view() });
    expect((await get('/patroni')).json()).toMatchObject({
      state: 'running',
      role: 'replica',
      xlog: { received_location: 4_999_950, replayed_location: 4_999_900, paused: false },
      replication_state: 'streaming',
    });
  });
  test('/patroni without a database', async () => {
    agent.status = {
      ...agent.status!,
      database: known({ kind: 'empty' }),
      role: 'none',
      state: 'initializing',
      view: undefined,
    };
    expect((await get('/patroni')).json()).toMatchObject({
      state: 'initializing new cluster',
      role: 'uninitialized',
      cluster_unlocked: true,
    });
  });

  test('/cluster: members by name, lag always there, 0 for the leader', async () => {
    const { json } = await get('/cluster');
    expect(json()).toEqual({
      members: [
        {
          name: 'db1',
          role: 'leader',
          state: 'running',
          api_url: 'http://127.0.0.1:1/patroni',
          host: '10.0.0.1',
          port: 5432,
          timeline: 3,
          tags: {},
          lsn: '0/4C4B40',
          lag: 0,
        },
        expect.objectContaining({ name: 'db2', role: 'replica', state: 'streaming', lag: 100 }) as object,
        expect.objectContaining({ name: 'db3', role: 'replica', state: 'streaming', lag: 'unknown' }) as object,
      ],
      scope: 'demo',
    });
  });
  test('/cluster: pause, schedules and pending restarts', async () => {
    const when = Date.parse('2027-05-01T10:00:00Z');
    const base = { by: 'x', outcome: undefined, at: when } as const;
    agent.status = {
      ...agent.status!,
      view: {
        ...cluster.view(),
        settings: keyed({ ...agent.status!.settings, pause: true }),
        members: new Map([[name('db2'), keyed(member('db2', { pendingRestart: true }))]]),
        intents: [
          keyed({ ...base, id: 'a', kind: 'switchover', from: name('db1'), to: name('db2') }),
          keyed({ ...base, id: 'b', kind: 'restart', member: name('db2'), onlyIfPending: false }),
        ],
      },
    };
    expect((await get('/cluster')).json()).toMatchObject({
      members: [{ pending_restart: true, scheduled_restart: { schedule: '2027-05-01T10:00:00.000+00:00' } }],
      pause: true,
      scheduled_switchover: { at: '2027-05-01T10:00:00.000+00:00', from: 'db1', to: 'db2' },
    });
  });
  test('/cluster asks the other agents, once for many requests, and they agree', async () => {
    const second = await startApi(cluster, {
      status: (base) =>
        replicaStatus({
          madeAt: base.madeAt,
          viewAt: base.viewAt,
          database: known(
            replicaDatabase({
              position: at(4_998_000),
              replay: { received: at(4_998_000), applied: at(4_997_000), delayMs: 1, paused: false, blockers: 0 },
            }),
          ),
          position: at(4_998_000),
        }),
    });
    try {
      const members = new Map([
        [name('db1'), keyed(member('db1', { apiUrl: agent.url }))],
        [name('db2'), keyed(member('db2', { apiUrl: second.url }))],
      ]);
      agent.status = { ...agent.status!, view: view({ members }) };
      second.status = { ...second.status!, view: view({ members }) };
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => get('/cluster')),
        fetch(`${second.url}/cluster`).then((r) => r.text()),
      ]);
      const texts = new Set(answers.map((a) => (typeof a === 'string' ? a : a.text)));
      expect([...texts]).toHaveLength(1);
      expect(JSON.parse([...texts][0]!)).toMatchObject({
        members: [
          { name: 'db1', lag: 0 },
          { name: 'db2', lag: 3_000, lsn: '0/4C4370' },
        ],
      });
    } finally {
      await second.close();
    }
  });

  test('/history, /config and /failsafe are answered from memory', async () => {
    const past = {
      member: name('db1'),
      instance: instance('aaaa'),
      generation: 2,
      how: 'acquire',
      reason: 'first',
      at: '2026-01-01T00:00:00Z',
      from: undefined,
    } as const;
    const version = { number: 2, document: { ttl: '20s' }, by: 'ann', at: '2026-01-03T00:00:00Z' };
    agent.status = {
      ...agent.status!,
      view: view({
        olderTerms: new Map([[term(5), keyed(past)]]),
        history: keyed(
          {
            ...past,
            member: name('db2'),
            generation: 3,
            how: 'hand-over',
            reason: 'switchover',
            from: at(1024),
            at: '2026-01-02T00:00:00Z',
          },
          42,
        ),
        configuration: keyed(version),
        configVersions: new Map([[1, keyed({ ...version, number: 1, document: { ttl: '10s' } })]]),
        failsafe: keyed({ term: term(42), members: [{ name: name('db2'), apiUrl: 'http://10.0.0.2:8010' }] }),
      }),
    };
    expect((await get('/history')).json()).toEqual([[3, 1024, 'switchover', '2026-01-02T00:00:00Z', 'db2']]);
    expect((await get('/history/terms')).json()).toMatchObject([
      { term: 5, member: 'db1' },
      { term: 42, member: 'db2' },
    ]);
    expect((await get('/config')).json()).toEqual({ ttl: '20s' });
    expect((await get('/config/versions')).json()).toMatchObject([
      { number: 2, by: 'ann', changes: ['ttl: "10s" -> "20s"'] },
      { number: 1 },
    ]);
    expect((await get('/failsafe')).json()).toEqual({ db2: 'http://10.0.0.2:8010' });
    agent.status = { ...agent.status, view: undefined };
    expect((await get('/history')).json()).toMatchObject({ code: 'store-unavailable' });
    expect((await get('/failsafe')).status).toBe(502);
  });
});

describe('our own', () => {
  test('/status has everything, and what depends on the moment', async () => {
    const { json } = await get('/status');
    expect(json()).toMatchObject({
      cluster: 'demo',
      name: 'db1',
      term: 42,
      open: true,
      lag_unit: 'bytes',
      decision: { rule: 'leader.hold' },
      now: { primary: true, leader: true, replica: false, right_ms_left: expect.any(Number) as number },
    });
  });
  test('/why of all and of one member', async () => {
    expect((await get('/why')).json()).toMatchObject({
      candidates: [{ name: 'db1' }, { name: 'db2' }, { name: 'db3' }],
    });
    expect((await get('/why?member=db3')).json()).toMatchObject({
      candidates: [{ name: 'db3', eligible: false, reasons: [{ code: 'unreachable' }] }],
    });
    expect((await get('/why?member=db9')).json()).toMatchObject({ status: 404, code: 'not-found' });
    expect((await get('/why?member=..%2f')).status).toBe(400);
  });
  test('/metrics, /openapi.json and what is not there', async () => {
    expect((await get('/metrics')).text).toBe('haagent_up 1\n');
    const properties = { scheduled_at: { type: 'string' }, candidate: { type: 'string' } };
    expect((await get('/openapi.json')).json()).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/switchover': { post: { requestBody: { content: { 'application/json': { schema: { properties } } } } } },
      },
    });
    const missing = await get('/nothing');
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
    expect(missing.json()).toMatchObject({ type: 'urn:haagent:error:not-found', status: 404 });
  });
  test('/events begins with the recent ones, goes on, and ends with the API', async () => {
    agent.emit({ id: 1, at: 0, event: 'old', level: 'info', message: 'before', fields: {} });
    agent.emit({ id: 2, at: 0, event: 'role.changed', level: 'info', message: 'now primary', fields: { term: 42n } });
    const response = await fetch(`${agent.url}/events`, { headers: { 'last-event-id': '1' } });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
    })();
    await expect.poll(() => text).toContain('"message":"now primary"');
    agent.emit({ id: 3, at: 0, event: 'next', level: 'warn', message: 'later', fields: {} });
    await expect.poll(() => text).toContain('id: 3\nevent: next\n');
    expect(text).not.toContain('before');
    await agent.close();
    await reading;
  });
});

describe('members among each other', () => {
  test('an answer is believed with the right proof only', async () => {
    const secretive = await startApi(cluster, { options: { peersSecret: 's3cret' } });
    const ask = async (secret: string | undefined, who = 'db1', inCluster = 'demo') => {
      const peers = createPeers({ cluster: inCluster, positions, ...(secret === undefined ? {} : { secret }) });
      const answers = await peers.ask([{ name: name(who), url: secretive.url }], {
        timeout: ms(2_000),
        signal: new AbortController().signal,
      });
      await peers.close();
      return answers.get(name(who))!;
    };
    try {
      expect(await ask('s3cret')).toMatchObject({
        kind: 'known',
        value: { name: 'db1', leads: true, holdsRight: true, role: 'primary', position: at(5_000_000) },
      });
      expect(await ask('other')).toMatchObject({ kind: 'unknown', why: expect.stringContaining('proof') as string });
      expect(await ask(undefined)).toMatchObject({ kind: 'known' });
      expect(await ask(undefined, 'db2')).toMatchObject({ kind: 'unknown', why: 'answered as another member' });
      expect(await ask(undefined, 'db1', 'prod')).toMatchObject({
        kind: 'unknown',
        why: 'answered for another cluster',
      });
    } finally {
      await secretive.close();
    }
  });
});
