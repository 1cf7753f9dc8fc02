import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEtcdStore } from '../../../src/adapters/etcd/store.ts';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { editText } from '../../../src/adapters/os/editor.ts';
import { ms } from '../../../src/core/brand.ts';
import { haproxyConfig } from '../../../src/ctl/haproxy-config.ts';
import { startEtcd, type EtcdCluster } from '../../support/etcd.ts';
import { createTestCluster, PREFIX, startApi, type TestApi, type TestCluster } from './support.ts';

/** The program itself, as a process of its own, against a real etcd and a real API. */

const PROGRAM = join(import.meta.dirname, '../../../src/bin/haagentctl.ts');
const dir = mkdtempSync(join(tmpdir(), 'haagent-ctl-'));
let cluster: TestCluster;
let agent: TestApi;
let etcd: EtcdCluster;

beforeAll(async () => {
  cluster = createTestCluster();
  agent = await startApi(cluster);
  etcd = await startEtcd({ size: 1 });
  const store = createEtcdStore({ endpoints: etcd.endpoints, clock: createClock(), random: Math.random });
  for (const { key, value } of cluster.model.control.read(PREFIX).keys) {
    const written = await store.transact(
      { compare: [], writes: [{ kind: 'put', key, value }] },
      { timeout: ms(5_000), signal: new AbortController().signal },
    );
    expect(written.kind).toBe('applied');
  }
  await store.close();
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await agent.close();
  await cluster.close();
  await etcd.close();
});

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number; out: string; err: string; tookMs: number }>((resolve) => {
    const began = performance.now();
    const child = execFile(
      process.execPath,
      [PROGRAM, ...args],
      { env: { PATH: process.env['PATH'], ...env } },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err, tookMs: performance.now() - began }),
    );
    child.stdin?.end();
  });

test('through etcd alone, and the process ends by itself', async () => {
  const etcdArgs = ['--etcd', etcd.endpoints.join(','), '--cluster', 'demo'];
  const listed = await run([...etcdArgs, 'list']);
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toContain('| db1 * ');
  expect(await run([...etcdArgs, 'switchover', '--candidate', 'db2', '-y', '--no-wait'])).toMatchObject({ code: 0 });
  expect(await run([...etcdArgs, 'switchover', '--candidate', 'db2', '-y', '--no-wait'])).toMatchObject({ code: 1 });
  expect(await run([...etcdArgs.slice(0, 3), 'other', 'list'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('nothing below /haagent/other/') as string,
  });
  expect(await run(['--etcd', etcd.endpoints.join(','), 'list'])).toMatchObject({ code: 2 });
  expect(await run(['--etcd', 'http://127.0.0.1:1', '--cluster', 'demo', 'list'])).toMatchObject({ code: 1 });
});

test('through the first agent that answers, with the password from the environment or a file', async () => {
  expect(await run(['--agent', `127.0.0.1:1,${agent.url}`, 'list', '-o', 'json'])).toMatchObject({ code: 0 });
  expect(await run(['--agent', agent.url, 'pause'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('no credentials') as string,
  });
  const user = ['--agent', agent.url, '--user', 'admin', 'pause'];
  expect(await run(user)).toMatchObject({ code: 2 });
  expect(await run(user, { HAAGENTCTL_PASSWORD: 'right' })).toMatchObject({ code: 0 });
  writeFileSync(join(dir, 'password'), 'right\n');
  expect(await run([...user.slice(0, 4), '--password-file', join(dir, 'password'), 'resume'])).toMatchObject({
    code: 0,
  });
  expect(await run(['--agent', '127.0.0.1:1,127.0.0.1:2', 'list'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('None of the agents') as string,
  });
});

test('a configuration file that cannot be used', async () => {
  writeFileSync(join(dir, 'bad.yml'), 'cluster: {nam: x}\n');
  expect(await run(['-c', join(dir, 'bad.yml'), 'list'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/cluster\.nam/) as string,
  });
});

describe('haproxy-config', () => {
  test('HAProxy itself accepts it', async () => {
    const { out } = await run(['--agent', agent.url, 'haproxy-config']);
    const tls = {
      name: 'db3',
      role: 'replica',
      state: 'streaming',
      api_url: 'https://[::1]:8011/patroni',
      host: '::1',
      port: 5433,
      timeline: 3,
      tags: {},
      lag: 0,
    } as const;
    const file = join(dir, 'haproxy.cfg');
    const named = { ...tls, name: 'db4', host: 'db4.invalid', api_url: 'http://db4.invalid:8010' };
    for (const text of [out, haproxyConfig({ scope: 'tls', members: [tls, named] })]) {
      writeFileSync(file, text);
      expect(execFileSync('haproxy', ['-c', '-f', file], { encoding: 'utf8', stdio: 'pipe' })).toContain('valid');
    }
  });
});

test('the editor: changed, left as it was, failed', async () => {
  const script = join(dir, 'editor.sh');
  writeFileSync(script, '#!/bin/sh\ncase "$1" in change) sed -i s/a/b/ "$2" ;; fail) exit 3 ;; esac\n', {
    mode: 0o755,
  });
  expect(await editText('a: 1\n', `${script} change`)).toBe('b: 1\n');
  expect(await editText('a: 1\n', `${script} leave`)).toBeUndefined();
  expect(await editText('a: 1\n', `${script} fail`)).toBeUndefined();
  await expect(editText('a: 1\n', join(dir, 'missing'))).rejects.toThrow();
});
