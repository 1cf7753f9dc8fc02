import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TlsOptions } from '../../../src/api/deps.ts';
import { AUTH, createTestCluster, startApi, type TestApi, type TestCluster } from './support.ts';

let cluster: TestCluster;
let agent: TestApi;
const sockets: Socket[] = [];

beforeAll(async () => {
  cluster = createTestCluster();
  agent = await startApi(cluster);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await agent.close();
  await cluster.close();
});

/** A plain connection that collects what it is told, until the server closes it. */
const open = (text = ''): { readonly closed: Promise<string>; readonly socket: Socket } => {
  const socket = connect({ port: agent.port, host: '127.0.0.1' });
  sockets.push(socket);
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk.toString()));
  socket.write(text);
  return {
    socket,
    closed: new Promise((resolve) => socket.on('error', () => undefined).on('close', () => resolve(heard))),
  };
};

describe('what load balancers send', () => {
  test.each(['HEAD', 'OPTIONS', 'GET'])('%s with HTTP/1.0 and without Host', async (method) => {
    const heard = await open(`${method} /primary HTTP/1.0\r\n\r\n`).closed;
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const body = heard.slice(heard.indexOf('\r\n\r\n') + 4);
    if (method === 'GET') expect(JSON.parse(body)).toMatchObject({ role: 'primary' });
    else expect(body).toBe('');
  });
  test('503 is a status line as well', async () => {
    expect(await open('OPTIONS /replica HTTP/1.0\r\n\r\n').closed).toMatch(/^HTTP\/1\.1 503 /);
  });
  test('several requests on one connection, one after the other', async () => {
    const { closed } = open(
      'GET /primary HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect((await closed).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});

describe('checks that are not one plain packet', () => {
  test('a check in pieces', async () => {
    const { socket, closed } = open('OPTIONS /pri');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('mary HTTP/1.0\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('User-Agent: x\r\n\r\n');
    expect(await closed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
  test('headers, limits, and the reason of a 503', async () => {
    const heard = await open('GET /replica?lag=10MB&tag_x=1 HTTP/1.0\r\nHost: x\r\nUser-Agent: y\r\n\r\n').closed;
    expect(heard).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(heard).toMatch(/\r\nX-Haagent-Why: the database is the primary\r\n/);
    const [head = '', body = ''] = heard.split('\r\n\r\n');
    expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBe(Buffer.byteLength(body));
    expect(JSON.parse(body)).toMatchObject({ role: 'primary' });
  });
  test.each([
    ['an address that is no check', 'GET /status HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 200 OK[^]*"cluster"/],
    ['a method that is no check', 'DELETE /primary HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 404 /],
    ['half a check and the end', 'OPTIONS /primary HTTP/1.0\r\n', /^(HTTP\/1\.1 400 |$)/],
    ['a check and the end at once', 'OPTIONS /primary HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 200 OK/],
    ['a body', 'GET /primary HTTP/1.0\r\nContent-Length: 2\r\n\r\nxy', /^HTTP\/1\.1 200 OK/],
  ])('%s', async (_, text, expected) => {
    const { socket, closed } = open(text);
    socket.end();
    expect(await closed).toMatch(expected);
  });
  test('a connection that HTTP/1.0 asks to keep', async () => {
    const { socket, closed } = open('GET /primary HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write('GET /health HTTP/1.0\r\n\r\n');
    expect((await closed).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
  test('a client that resets, and one that leaves without a word, disturb nobody', async () => {
    const { socket } = open('OPTIONS /primary HTTP/1.0\r\n\r\n');
    socket.resetAndDestroy();
    open().socket.end();
    expect(await open('OPTIONS /primary HTTP/1.0\r\n\r\n').closed).toMatch(/ 200 /);
  });
});

describe('who says nothing, or too slowly', () => {
  test('a silent connection is closed within five seconds', async () => {
    const began = performance.now();
    await open().closed;
    expect(performance.now() - began).toBeLessThan(5_000);
  }, 8_000);
  test('headers that trickle are cut off', async () => {
    const { socket, closed } = open('GET /primary HTTP/1.1\r\n');
    const trickle = setInterval(() => socket.write('X-A: b\r\n'), 200);
    const began = performance.now();
    await closed;
    clearInterval(trickle);
    expect(performance.now() - began).toBeLessThan(5_500);
  }, 8_000);
  test('huge headers are refused', async () => {
    expect(await open(`GET /primary HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`).closed).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });
  test('what is not HTTP is answered and closed', async () => {
    expect(await open('\x16\x03\x01 what\r\n\r\n').closed).toMatch(/^HTTP\/1\.1 400 /);
  });
  test('500 silent connections do not keep health from its answers', async () => {
    for (let i = 0; i < 500; i++) open();
    const took: number[] = [];
    for (let i = 0; i < 200; i++) {
      const began = performance.now();
      const answer = await fetch(`${agent.url}/primary`);
      expect(answer.status).toBe(200);
      await answer.text();
      took.push(performance.now() - began);
    }
    expect(took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.95)]).toBeLessThan(100);
  });
});

describe('TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'haagent-api-tls-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const made = (name: string): { cert: string; key: string } => {
    const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.crt`)];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  };
  const ask = (url: string, path: string, options: object): Promise<number | string> =>
    new Promise((resolve) => {
      const outgoing = request(url + path, { agent: false, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
      outgoing.end();
    });

  test('optional: health for everyone, control only with a certificate of ours; a renewed one is used', async () => {
    const server = made('server');
    const client = made('client');
    const tls: TlsOptions = { ...server, ca: client.cert, verifyClient: 'optional' };
    const secure = await startApi(cluster, { options: { tls } });
    const post = { method: 'POST', headers: { authorization: AUTH }, ca: server.cert };
    try {
      expect(await ask(secure.url, '/primary', { ca: server.cert })).toBe(200);
      expect(await ask(secure.url, '/pause?dry_run=1', post)).toBe(403);
      expect(await ask(secure.url, '/pause?dry_run=1', { ...post, ...made('stranger') })).toBe(403);
      expect(await ask(secure.url, '/pause?dry_run=1', { ...post, ...client })).toBe(200);
      const renewed = made('renewed');
      secure.api.renewTls({ ...tls, ...renewed });
      expect(await ask(secure.url, '/primary', { ca: renewed.cert })).toBe(200);
    } finally {
      await secure.close();
    }
  });
  test('required: nothing without a certificate', async () => {
    const server = made('server2');
    const client = made('client2');
    const secure = await startApi(cluster, {
      options: { tls: { ...server, ca: client.cert, verifyClient: 'required' } },
    });
    try {
      expect(await ask(secure.url, '/primary', { ca: server.cert })).toEqual(expect.any(String));
      expect(await ask(secure.url, '/primary', { ca: server.cert, ...client })).toBe(200);
    } finally {
      await secure.close();
    }
  });
});

test('an address that is taken is an error that says so', async () => {
  const second = startApi(cluster, { options: { listen: { host: '127.0.0.1', port: agent.port } } });
  await expect(second).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining(String(agent.port)) as string,
  });
});
