import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { showLogsOnFailure, useLab } from './cluster.ts';

const DEADLINE_MS = 60_000;
const AGENT = new URL('../../dist/bin/haagent.js', import.meta.url).pathname;

const cluster = useLab({ engine: 'postgres', members: 2, haproxy: false, ttlMs: 5_000 });

test('an etcd that came back empty is not believed: the primary goes on, and an operator lets it be believed', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.start();
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await lab.query(primary, 'CREATE TABLE kept AS SELECT generate_series(1, 100) AS n');

  await lab.etcd.kill();
  rmSync(`${lab.dir}/etcd1/data`, { recursive: true });
  await lab.etcd.start();
  await lab.etcd.ready();
  for (const member of lab.members)
    await lab.waitFor(
      `${member.name} says that it does not believe etcd`,
      async () => Promise.resolve(readFileSync(member.logFile, 'utf8').includes('store.not-believed')),
      { deadlineMs: DEADLINE_MS },
    );
  const why = await lab.get(primary, '/why');
  expect(why?.body).toContain('haagent forget-store');
  expect(await lab.query(primary, 'SELECT pg_is_in_recovery() AS replica')).toEqual([{ replica: false }]);
  expect((await lab.get(primary, '/primary'))?.status).toBe(200);

  for (const { name } of lab.members) await lab.stopAgent(name);
  for (const { configFile } of lab.members)
    expect(
      (await promisify(execFile)(process.execPath, [AGENT, 'forget-store', '--config', configFile])).stdout,
    ).toMatch(/will be believed/);
  // The one with the newest data first: it makes the cluster known again.
  await lab.startMember(primary);
  await lab.waitForLeader({ deadlineMs: 2 * DEADLINE_MS });
  for (const { name } of lab.members) if (name !== primary) await lab.startMember(name);
  expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS })).toBe(primary);
  for (const { name } of lab.members)
    expect(await lab.query(name, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 100 }]);
});
