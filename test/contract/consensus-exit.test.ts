import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startEtcd } from '../support/etcd.ts';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../support/etcd-exit-program.ts', import.meta.url));

describe('the process ends by itself after close', () => {
  test.for([
    ['while etcd works', false],
    ['while etcd is stopped', true],
  ] as const)('%s', { timeout: 20_000 }, async ([, stopped]) => {
    const cluster = await startEtcd();
    try {
      const [member] = cluster.members;
      const run = promisify(execFile)(process.execPath, [PROGRAM, ...cluster.endpoints], { timeout: 10_000 });
      const { child } = run;
      child.stdout?.once('data', () => {
        if (stopped) member?.signal('SIGSTOP');
        child.stdin?.end('close\n');
      });
      const { stdout, stderr } = await run;
      expect(stderr).toBe('');
      expect(Number(/^closed, ended after (?<took>\d+) ms$/mu.exec(stdout)?.groups?.['took'])).toBeLessThan(2_500);
    } finally {
      await cluster.close();
    }
  });
});

describe('etcd3 as a transport only', () => {
  test('none of its own leases, watchers, elections or locks is used anywhere', async () => {
    const files = (await readdir(SOURCES, { recursive: true })).filter((name) => name.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(20);
    const forbidden = /\bclient\.lease\(|\.watch\(\)|\.election\(|\.lock\(|from 'etcd3\/|\.namespace\(/u;
    for (const name of files) expect(await readFile(join(SOURCES, name), 'utf8'), name).not.toMatch(forbidden);
  });
});
