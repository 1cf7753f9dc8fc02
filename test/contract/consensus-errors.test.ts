import { describe, expect, test } from 'vitest';
import { createEtcdStore } from '../../src/adapters/etcd/store.ts';
import { parseEndpoint } from '../../src/adapters/etcd/endpoint.ts';
import { faultOf } from '../../src/adapters/etcd/faults.ts';
import { createRotation } from '../../src/adapters/etcd/rotation.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { AgentError } from '../../src/core/errors.ts';
import { ms } from '../../src/core/brand.ts';
import { freePorts } from '../support/etcd.ts';
import { createVirtualClock } from '../sim/store/virtual-clock.ts';

/** Words as etcd 3.4, etcd 3.5 and grpc-js 1.14 say them. */
describe('what a failed try means', () => {
  const NO_CONNECTION =
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ';
  test.for([
    [8, 'etcdserver: mvcc: database space exceeded', 'no-space', 'settled', 'stop'],
    [5, 'etcdserver: requested lease not found', 'lease-gone', 'no', 'stop'],
    [16, 'etcdserver: invalid auth token', 'auth', 'no', 'login'],
    [3, 'etcdserver: revision of auth store is old', 'auth', 'no', 'login'],
    [3, 'etcdserver: user name is empty', 'auth', 'no', 'stop'],
    [3, 'etcdserver: authentication failed, invalid user ID or password', 'auth', 'no', 'stop'],
    [7, 'etcdserver: permission denied', 'auth', 'no', 'stop'],
    [
      2,
      'etcd cancelled the watch: rpc error: code = PermissionDenied desc = etcdserver: permission denied',
      'auth',
      'no',
      'stop',
    ],
    [3, 'etcdserver: duplicate key given in txn request', 'invalid', 'no', 'stop'],
    [3, 'etcdserver: too many operations in txn request', 'invalid', 'no', 'stop'],
    [3, 'etcdserver: request is too large', 'invalid', 'no', 'stop'],
    [3, 'etcdserver: key is not provided', 'invalid', 'no', 'stop'],
    [11, 'etcdserver: too large lease TTL', 'invalid', 'no', 'stop'],
    [8, 'etcdserver: too many requests', 'unavailable', 'no', 'elsewhere'],
    [14, 'etcdserver: no leader', 'unavailable', 'maybe', 'elsewhere'],
    [14, 'etcdserver: leader changed', 'unavailable', 'maybe', 'elsewhere'],
    [14, 'etcdserver: request timed out', 'unavailable', 'maybe', 'elsewhere'],
    [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'unavailable', 'maybe', 'elsewhere'],
    [14, NO_CONNECTION, 'unavailable', 'no', 'elsewhere'],
    [
      14,
      'No connection established. Last error: Error: self-signed certificate. Resolution note: ',
      'auth',
      'no',
      'elsewhere',
    ],
    [14, 'Channel closed before call started', 'unavailable', 'no', 'elsewhere'],
    [14, 'Name resolution failed for target dns:etcd1:2379', 'unavailable', 'no', 'elsewhere'],
    [13, 'Failed to start HTTP/2 stream with error boom', 'unavailable', 'no', 'elsewhere'],
    [14, 'write EPROTO: tlsv1 alert certificate expired', 'unavailable', 'maybe', 'elsewhere'],
    [14, 'Connection dropped', 'unavailable', 'maybe', 'elsewhere'],
    [14, 'read ECONNRESET', 'unavailable', 'maybe', 'elsewhere'],
    [4, 'Deadline exceeded after 0.500s,LB pick: 0.002s,remote_addr=127.0.0.1:2379', 'deadline', 'maybe', 'elsewhere'],
    [4, 'Deadline exceeded after 0.501s,Waiting for LB pick', 'deadline', 'no', 'elsewhere'],
    [4, 'Deadline exceeded after 0.501s,waiting for name resolution', 'deadline', 'no', 'elsewhere'],
    [4, 'Deadline exceeded', 'deadline', 'maybe', 'elsewhere'],
    [4, 'context deadline exceeded', 'deadline', 'maybe', 'elsewhere'],
    [1, 'cancelled by this agent', 'cancelled', 'maybe', 'elsewhere'],
    [12, 'unknown service etcdserverpb.KV', 'internal', 'no', 'stop'],
    [13, 'Received RST_STREAM with code 2', 'internal', 'maybe', 'elsewhere'],
    [8, 'Received message larger than max (9 vs. 4)', 'internal', 'maybe', 'elsewhere'],
    [15, 'etcdserver: corrupt cluster', 'internal', 'maybe', 'elsewhere'],
    [2, 'something new', 'internal', 'maybe', 'elsewhere'],
  ] as const)('%i %s', ([code, details, expected, executed, next]) => {
    expect(faultOf({ code, details })).toMatchObject({ code: expected, executed, next });
  });

  test('messages are for people', () => {
    expect(faultOf({ code: 14, details: NO_CONNECTION }).details).toBe(
      'no connection (connect ECONNREFUSED 127.0.0.1:1)',
    );
    expect(faultOf({ code: 4, details: 'Deadline exceeded after 0.501s,Waiting for LB pick' }).details).toBe(
      'no connection in time',
    );
    expect(faultOf({ code: 14, details: '' }).details).toBe('gRPC status 14');
  });

  test('a refused connection is surely never sent, in grpc-js as it is installed', async () => {
    const ports = await freePorts(2);
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    const store = createEtcdStore({ endpoints, clock: createClock(), random: () => 0 });
    const call = { timeout: ms(300), signal: new AbortController().signal };
    const txn = { compare: [], writes: [{ kind: 'put', key: '/k', value: 'v' } as const] };
    const outcome = await store.transact(txn, call);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } });
    for (const endpoint of endpoints)
      expect(outcome).toMatchObject({ error: { message: expect.stringContaining(endpoint) as unknown } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('ECONNREFUSED') as unknown } });
    await store.close();
  });
});

describe('endpoints', () => {
  test.for([
    ['http://etcd1', 'http://etcd1:2379', 'etcd1:2379', false, false],
    ['https://10.0.0.1:2379/', 'https://10.0.0.1:2379', '10.0.0.1:2379', true, true],
    ['https://[::1]:443', 'https://[::1]:443', '[::1]:443', true, true],
  ] as const)('%s', ([text, url, address, tls, ip]) => {
    expect(parseEndpoint(text)).toMatchObject({ url, address, tls, ip });
  });

  test.for([
    'etcd1:2379',
    'ftp://etcd1',
    'http://user:secret@etcd1',
    'http://etcd1/path',
    'http://',
    'http://a:123456',
  ])('%s is refused without being repeated', (text) => {
    expect(() => parseEndpoint(text)).toThrow(AgentError);
    expect(() => parseEndpoint(text)).not.toThrow(/secret/u);
  });

  test('none, or a user without a password, is a mistake in the configuration', () => {
    const parts = { clock: createClock(), random: Math.random };
    expect(() => createEtcdStore({ ...parts, endpoints: [] })).toThrow(/at least one/u);
    expect(() => createEtcdStore({ ...parts, endpoints: ['http://a'], username: 'u' })).toThrow(/belong together/u);
  });
});

describe('rotation', () => {
  test('stays with what worked, asks the failed last, and forgets after five seconds', async () => {
    const clock = createVirtualClock();
    const rotation = createRotation(['a', 'b', 'c'], { clock, random: () => 0.4 });
    expect(rotation.order()).toEqual(['b', 'c', 'a']);
    rotation.failed('b');
    expect(rotation.order()).toEqual(['c', 'a', 'b']);
    await clock.advance(10);
    rotation.failed('c');
    expect(rotation.order()).toEqual(['a', 'b', 'c']);
    rotation.worked('a');
    await clock.advance(5_000);
    expect(rotation.order()).toEqual(['a', 'b', 'c']);
    rotation.worked('b');
    expect(rotation.order()).toEqual(['b', 'c', 'a']);
  });
});
