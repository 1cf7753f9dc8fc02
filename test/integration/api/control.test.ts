import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { at, keyed, member, name, view } from '../../unit/api/support.ts';
import { AUTH, createTestCluster, startApi, type TestApi, type TestCluster } from './support.ts';

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
const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  get(path, {
    method,
    headers: { authorization: AUTH, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });

describe('control', () => {
  test.each([
    ['POST', '/switchover'],
    ['DELETE', '/switchover'],
    ['POST', '/failover'],
    ['POST', '/restart'],
    ['DELETE', '/restart'],
    ['POST', '/reload'],
    ['POST', '/reinitialize'],
    ['PATCH', '/config'],
    ['PUT', '/config'],
    ['POST', '/pause'],
    ['POST', '/resume'],
  ])('%s %s needs credentials', async (method, path) => {
    const none = await get(path, { method });
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toContain('Basic');
    const wrong = await get(path, {
      method,
      headers: { authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` },
    });
    expect(wrong.json()).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(cluster.view().intents).toHaveLength(0);
    expect(cluster.view().configuration).toBeUndefined();
  });

  test('without credentials configured nothing can be changed', async () => {
    const open = await startApi(cluster, { options: { credentials: undefined as never } });
    try {
      const response = await fetch(`${open.url}/pause`, { method: 'POST' });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ hint: expect.stringContaining('api.control.username') as string });
      expect((await fetch(`${open.url}/primary`)).status).toBe(200);
    } finally {
      await open.close();
    }
  });

  test('addresses outside the allowed networks, web pages, wrong types and hostile JSON are refused', async () => {
    const elsewhere = await startApi(cluster, { options: { allowFrom: ['10.0.0.0/8', 'fd00::/8'] } });
    try {
      const response = await fetch(`${elsewhere.url}/pause`, { method: 'POST', headers: { authorization: AUTH } });
      expect(response.status).toBe(403);
    } finally {
      await elsewhere.close();
    }
    expect((await send('POST', '/pause', {}, { origin: 'http://evil' })).status).toBe(403);
    expect(
      (await send('POST', '/pause', 'wait=true', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(415);
    expect((await send('POST', '/pause', '{"wait":')).json()).toMatchObject({ status: 400, code: 'usage' });
    expect((await send('POST', '/pause', '['.repeat(200_000))).json()).toMatchObject({
      detail: expect.stringContaining('nested') as string,
    });
    expect((await send('PATCH', '/config', '{"a":{"__proto__":{"x":1}}}')).status).toBe(400);
    expect((await send('PATCH', '/config', JSON.stringify({ a: 'x'.repeat(300_000) }))).status).toBe(413);
    expect((await send('POST', '/switchover', { leader: 'db1', candidat: 'db2' })).json()).toMatchObject({
      status: 400,
      details: [expect.stringContaining('candidat') as string],
    });
    expect((await send('POST', '/switchover', { candidate: '../../etc' })).status).toBe(400);
    expect(cluster.view().configuration).toBeUndefined();
  });

  test('guessing is slowed down, also for the right credentials', async () => {
    const wrong = { authorization: `Basic ${Buffer.from('admin:guess').toString('base64')}` };
    for (let i = 0; i < 10; i++) expect((await get('/pause', { method: 'POST', headers: wrong })).status).toBe(401);
    const limited = await get('/pause', { method: 'POST', headers: { authorization: AUTH } });
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('60');
    expect((await get('/primary')).status).toBe(200);
  });

  test("a body without a content type is JSON, as Patroni's own client sends it", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const body = '{"leader":"db1","candidate":"db2","wait":false}';
      const outgoing = request(`${agent.url}/switchover`, {
        method: 'POST',
        headers: { authorization: AUTH, 'content-length': body.length },
      });
      outgoing.on('response', (response) => (response.resume(), resolve(response.statusCode)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
    expect(status).toBe(202);
  });

  test('switchover: recorded, done, scheduled, withdrawn, refused', async () => {
    cluster.carryOut({ kind: 'done', reason: 'handed over', at: 1 }, [
      { kind: 'put', key: { kind: 'leader' }, value: name('db2') },
    ]);
    expect((await send('POST', '/switchover', { leader: 'db1', candidate: 'db2' })).json()).toMatchObject({
      result: 'done',
      message: 'Successfully switched over to "db2"',
    });
    const when = new Date(Date.now() + 3_600_000).toISOString();
    expect((await send('POST', '/switchover', { leader: 'db2', member: 'db1', scheduled_at: when })).status).toBe(202);
    expect((await send('DELETE', '/switchover')).json()).toMatchObject({ message: 'scheduled switchover deleted' });
    expect((await send('DELETE', '/switchover')).status).toBe(404);
    expect((await send('POST', '/switchover', { leader: 'db1' })).json()).toMatchObject({
      status: 412,
      code: 'refused',
    });
    expect((await send('POST', '/switchover', { leader: 'db2', scheduled_at: '2026-01-01T00:00:00Z' })).status).toBe(
      422,
    );
    expect((await send('POST', '/switchover', { leader: 'db2', scheduled_at: '2036-01-01T00:00:00' })).status).toBe(
      422,
    );
    expect((await send('POST', '/switchover', { leader: 'db2', scheduled_at: 'tomorrow' })).status).toBe(422);
    expect((await send('POST', '/switchover', { candidate: 'db1', dry_run: true })).json()).toMatchObject({
      result: 'would-do',
    });
    expect((await send('POST', '/switchover', { candidate: 'db1', timeout: 0.2 })).status).toBe(504);
  });

  test('the idempotency key is a header', async () => {
    const headers = { 'idempotency-key': 'abc' };
    const body = { candidate: 'db2', wait: false };
    const first = await send('POST', '/switchover', body, headers);
    const second = await send('POST', '/switchover', body, headers);
    expect(second.json()).toEqual(first.json());
    expect((await send('POST', '/switchover', body)).status).toBe(409);
    expect((await send('POST', '/switchover', body, { 'idempotency-key': 'a b' })).status).toBe(400);
  });

  test('failover: a candidate is needed, with a leader it is a switchover', async () => {
    expect((await send('POST', '/failover', {})).status).toBe(400);
    expect((await send('POST', '/failover', { candidate: 'db2', scheduled_at: '2036-01-01T00:00:00Z' })).status).toBe(
      400,
    );
    expect((await send('POST', '/failover', { candidate: 'db2', leader: 'db1', wait: false })).status).toBe(202);
    expect(cluster.view().intents[0]?.value.kind).toBe('switchover');
    expect((await send('POST', '/failover', { candidate: 'db2', wait: false, allow_data_loss: true })).status).toBe(
      202,
    );
    expect(
      cluster
        .view()
        .intents.map(({ value }) => value)
        .find(({ kind }) => kind === 'failover'),
    ).toMatchObject({ allowDataLoss: true });
  });

  test('restart: this member by default, filters, schedule', async () => {
    expect((await send('POST', '/restart', { role: 'replica' })).json()).toMatchObject({ status: 412 });
    expect((await send('POST', '/restart', { postgres_version: '15.2' })).json()).toMatchObject({ status: 412 });
    expect((await send('POST', '/restart', { role: 'primary', postgres_version: '16', wait: false })).status).toBe(202);
    expect(cluster.view().intents[0]?.value).toMatchObject({ kind: 'restart', member: 'db1', onlyIfPending: false });
    const when = new Date(Date.now() + 3_600_000).toISOString();
    expect((await send('POST', '/restart', { member: 'db2', schedule: when, restart_pending: true })).status).toBe(202);
    expect((await send('DELETE', '/restart', { member: 'db2' })).status).toBe(200);
    expect((await send('DELETE', '/restart', { member: 'db2' })).status).toBe(404);
    expect((await send('POST', '/restart', { member: 'db9' })).status).toBe(404);
  });

  test('reinitialize: recorded at once, again only by force', async () => {
    expect((await send('POST', '/reinitialize', { member: 'db2', from_leader: true })).status).toBe(202);
    expect((await send('POST', '/reinitialize', { member: 'db2' })).status).toBe(409);
    expect((await send('POST', '/reinitialize', { member: 'db2', force: true })).status).toBe(202);
    expect((await send('POST', '/reinitialize', {})).json()).toMatchObject({
      status: 412,
      detail: expect.stringContaining('leader') as string,
    });
  });

  test('configuration, pause, resume and reload', async () => {
    expect((await send('PATCH', '/config?dry_run=true', { ttl: '20s' })).json()).toMatchObject({ result: 'would-do' });
    expect((await send('PATCH', '/config', { ttl: '20s' })).json()).toEqual({ ttl: '20s' });
    expect((await send('PATCH', '/config', { ttl: '1ms' })).json()).toMatchObject({
      status: 400,
      code: 'config-invalid',
    });
    expect((await send('PUT', '/config', { on_crash: 'restart' })).json()).toEqual({ on_crash: 'restart' });
    expect((await send('POST', '/pause')).json()).toMatchObject({ result: 'done' });
    expect(cluster.view().settings?.value.pause).toBe(true);
    expect((await send('POST', '/resume')).json()).toMatchObject({ result: 'done' });
    expect(cluster.view().configuration?.value.by).toBe('admin from 127.0.0.1');
    expect((await send('POST', '/reload', { dry_run: true })).status).toBe(200);
    expect((await send('POST', '/reload')).status).toBe(202);
    expect(agent.reloads.count).toBe(1);
  });

  test('closing ends requests that wait, with an answer, and can be done twice', async () => {
    const waiting = send('POST', '/switchover', { candidate: 'db2' });
    await expect.poll(() => cluster.view().intents.length).toBe(1);
    await agent.close();
    await agent.close();
    expect((await waiting).json()).toMatchObject({ status: 503, code: 'not-ready' });
    await expect(fetch(`${agent.url}/primary`)).rejects.toThrow();
  });
});
