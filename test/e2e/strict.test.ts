import { expect, test } from 'vitest';
import { showLogsOnFailure, useLab } from './cluster.ts';

/** A cluster that never runs with fewer acknowledgements than it promises. */

const DEADLINE_MS = 60_000;

const cluster = useLab({
  engine: 'postgres',
  members: 1,
  haproxy: false,
  ttlMs: 6_000,
  settings: { replication: { mode: 'quorum', strict: true } },
});

const add = async (name: string): Promise<void> => {
  await cluster.lab.addMember({ name });
  await cluster.lab.startMember(name);
};

test('it is not open for clients before a second member acknowledges, and says why', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.start();
  await lab.waitFor(
    'it leads, closed',
    async () =>
      /strict: 1 acknowledgements are asked for, 0 are promised/.test((await lab.get('pg1', '/why'))?.body ?? ''),
    { deadlineMs: DEADLINE_MS },
  );
  expect((await lab.get('pg1', '/primary'))?.status).toBe(503);
  await add('pg2');
  expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS })).toBe('pg1');
});

test('without its voters a commit waits, is acknowledged by the first that comes back, and is there after a failover', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await add('pg3');
  expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS })).toBe('pg1');
  await lab.query('pg1', 'CREATE TABLE kept (n int)');
  for (const name of ['pg2', 'pg3']) await lab.kill(name, 'all');
  const waiting = lab.query('pg1', 'INSERT INTO kept VALUES (1)').then(
    () => 'acknowledged',
    () => 'no answer',
  );
  await lab.waitFor(
    'the commit waits',
    async () => (await lab.query('pg1', "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length > 0,
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );
  expect(await waiting).toBe('no answer');
  const [row] = await lab.query('pg1', "SELECT current_setting('synchronous_standby_names') AS names");
  expect(String(row?.['names'])).toMatch(/^ANY 1 /);
  for (const name of ['pg2', 'pg3']) await lab.startMember(name);
  expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS })).toBe('pg1');
  await lab.query('pg1', 'INSERT INTO kept VALUES (2)');
  await lab.kill('pg1', 'all');
  const next = await lab.waitForLeader({ deadlineMs: DEADLINE_MS, not: 'pg1' });
  expect(await lab.query(next, 'SELECT n FROM kept WHERE n = 2')).toEqual([{ n: 2 }]);
});
