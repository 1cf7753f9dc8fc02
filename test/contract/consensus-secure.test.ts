import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEtcdStore, type EtcdStoreOptions } from '../../src/adapters/etcd/store.ts';
import { createClock } from '../../src/adapters/os/clock.ts';
import { ms } from '../../src/core/brand.ts';
import type { Call, ConsensusStore, Outcome } from '../../src/ports/consensus.ts';
import { createCertificates, type Certificates } from '../support/etcd-certificates.ts';
import { startEtcd, withAdmin, type EtcdCluster, type EtcdVersion } from '../support/etcd.ts';

const clock = createClock();
const call = (timeout = 2_000): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });

/** Runs with a store that is closed afterwards. */
const using = async <T>(
  options: Omit<EtcdStoreOptions, 'clock' | 'random'>,
  run: (store: ConsensusStore) => Promise<T>,
): Promise<T> => {
  const store = createEtcdStore({ ...options, clock, random: Math.random });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
};
const write = async (store: ConsensusStore, key: string, timeout = 2_000) =>
  store.transact({ compare: [], writes: [{ kind: 'put', key, value: 'v' }] }, call(timeout));
const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.kind === 'failed') throw new Error(outcome.error.message);
  return outcome.value;
};

let certificates: Certificates;
beforeAll(async () => {
  certificates = await createCertificates();
});
afterAll(async () => {
  await certificates.close();
});

describe('mutual TLS', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    const { file } = certificates;
    cluster = await startEtcd({
      version: '3.5',
      tls: { cert: file('server.crt'), key: file('server.key'), clientCa: file('ca.crt') },
    });
  });
  afterAll(async () => {
    await cluster.close();
  });
  const material = async (ca: string, client?: string) => ({
    ca: await certificates.pem(`${ca}.crt`),
    ...(client === undefined
      ? {}
      : { cert: await certificates.pem(`${client}.crt`), key: await certificates.pem(`${client}.key`) }),
  });

  test('an IP address works where the certificate names it', async () => {
    await using({ endpoints: cluster.endpoints, tls: await material('ca', 'client') }, async (store) => {
      expect((await write(store, '/tls/k')).kind).toBe('applied');
      const told: string[] = [];
      store.watch('/tls/', { changed: () => told.push('changed'), lost: (error) => told.push(error.message) });
      await expect.poll(() => told, { timeout: 2_000 }).toEqual(['changed']);
      const { lease } = valueOf(await store.grantLease(ms(5_000), call()));
      expect(await store.keepLeaseAlive(lease, call())).toEqual({ kind: 'ok', value: 'alive' });
      expect(valueOf(await store.status(call())).endpoints).toMatchObject([{ error: undefined }]);
    });
  });

  test.for([
    [
      'a certificate of an unknown authority',
      'other-ca',
      'client',
      '127.0.0.1',
      /self.signed|unable to verify|unable to get/u,
    ],
    ['a name that the certificate does not have', 'ca', 'client', 'localhost', /altnames|localhost/u],
    ['no certificate of our own', 'ca', undefined, '127.0.0.1', /certificate/u],
  ] as const)('%s is told as such, within the deadline, and nothing was sent', async ([, ca, client, host, words]) => {
    const endpoints = cluster.endpoints.map((endpoint) => endpoint.replace('127.0.0.1', host));
    await using({ endpoints, tls: await material(ca, client) }, async (store) => {
      const from = performance.now();
      const outcomes = [await store.range('/tls/', call(600)), await write(store, '/tls/no', 600)];
      expect(performance.now() - from).toBeLessThan(2 * 600 + 300);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'auth' } });
        if (outcome.kind !== 'failed') continue;
        expect(outcome.error.message).toMatch(words);
        expect(outcome.error.message).toContain('check the CA');
        expect(outcome.error.message).not.toContain('BEGIN');
      }
    });
  });
});

describe.for(['3.4', '3.5'] as const)('password login on etcd %s', (version: EtcdVersion) => {
  const ROOT = { username: 'root', password: 'root-Secret' };
  const AGENT = { username: 'agent', password: 'agent-Secret' };
  const TOKEN_SECONDS = 2;
  let cluster: EtcdCluster;
  let endpoint = '';

  beforeAll(async () => {
    const { file } = certificates;
    const token = `jwt,pub-key=${file('jwt.pub')},priv-key=${file('jwt.key')},sign-method=RS256,ttl=${TOKEN_SECONDS}s`;
    cluster = await startEtcd({ version, args: [`--auth-token=${token}`, '--bcrypt-cost=4'] });
    [endpoint = ''] = cluster.endpoints;
    await withAdmin(endpoint, async ({ auth }) => {
      await auth.userAdd({ name: ROOT.username, password: ROOT.password });
      await auth.userGrantRole({ user: 'root', role: 'root' });
      await auth.roleAdd({ name: 'ha' });
      const range = { key: Buffer.from('/ha/'), range_end: Buffer.from('/ha0') };
      await auth.roleGrantPermission({ name: 'ha', perm: { permType: 'Readwrite', ...range } });
      await auth.userAdd({ name: AGENT.username, password: AGENT.password });
      await auth.userGrantRole({ user: AGENT.username, role: 'ha' });
      await auth.authEnable();
    });
  });
  afterAll(async () => {
    await cluster.close();
  });
  const changeUsers = async (name: string): Promise<unknown> =>
    withAdmin(endpoint, async (admin) => admin.auth.userAdd({ name, password: 'x' }), ROOT);

  test('no login, a wrong password and a forbidden key are told as such, without the password', async () => {
    const endpoints = cluster.endpoints;
    const outcomes = [
      await using({ endpoints }, async (store) => write(store, '/ha/k')),
      await using({ endpoints, ...AGENT, password: 'wrong-Secret' }, async (store) => write(store, '/ha/k')),
      await using({ endpoints, ...AGENT }, async (store) => write(store, '/other/k')),
      await using({ endpoints, ...AGENT }, async (store) => store.range('/other/', call())),
    ];
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'auth' } });
      expect(JSON.stringify(outcome, (_, value: unknown) => (typeof value === 'bigint' ? '' : value))).not.toContain(
        'Secret',
      );
    }
  });

  test('calls, renewals and the watch outlive tokens that expire and users that change', async () => {
    await using({ endpoints: cluster.endpoints, ...AGENT }, async (store) => {
      const told: string[] = [];
      store.watch('/ha/', { changed: () => told.push('changed'), lost: (error) => told.push(error.message) });
      await expect.poll(() => told.length, { timeout: 3_000 }).toBeGreaterThan(0);
      const { lease } = valueOf(await store.grantLease(ms(30_000), call()));
      const everything = async (): Promise<void> => {
        expect((await write(store, '/ha/k')).kind).toBe('applied');
        expect(valueOf(await store.keepLeaseAlive(lease, call()))).toBe('alive');
        expect(valueOf(await store.range('/ha/', call())).keys).toHaveLength(1);
      };
      await everything();
      await changeUsers('somebody');
      await everything();
      await clock.sleep(ms((TOKEN_SECONDS + 1) * 1_000), call());
      await everything();
      await Promise.all([everything(), changeUsers('another'), everything()]);
      const before = told.length;
      await everything();
      await expect.poll(() => told.length, { timeout: 5_000 }).toBeGreaterThan(before);
    });
  });

  test('a watch that is not permitted is told once, and calls go on', async () => {
    await using({ endpoints: cluster.endpoints, ...AGENT }, async (store) => {
      const told: string[] = [];
      store.watch('/other/', { changed: () => told.push('changed'), lost: (error) => told.push(error.message) });
      await expect.poll(() => told.length, { timeout: 3_000 }).toBe(1);
      expect(told[0]).toContain('permission denied');
      expect((await write(store, '/ha/k')).kind).toBe('applied');
    });
  });
});

describe('a login where etcd asks for none', () => {
  test('is not an error', async () => {
    const plain = await startEtcd();
    try {
      await using({ endpoints: plain.endpoints, username: 'agent', password: 'agent-Secret' }, async (store) =>
        expect((await write(store, '/ha/k')).kind).toBe('applied'),
      );
    } finally {
      await plain.close();
    }
  });
});
