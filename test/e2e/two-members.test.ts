import { expect, test } from 'vitest';
import { showLogsOnFailure, useLab } from './cluster.ts';

/** Two members that promise their writes to each other. */

const TTL_MS = 15_000;
const DEADLINE_MS = 60_000;

const cluster = useLab({
  engine: 'postgres',
  members: 2,
  haproxy: false,
  ttlMs: TTL_MS,
  settings: { replication: { mode: 'quorum' } },
});

const insert = (name: string, n: number): Promise<unknown> => cluster.lab.query(name, `INSERT INTO kept VALUES (${n})`);

test('without its only voter, not strict, the primary goes on alone after a moment, and waits for it again when it is back', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.start();
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const other = primary === 'pg1' ? 'pg2' : 'pg1';
  const names = async (): Promise<string> =>
    String((await lab.query(primary, "SELECT current_setting('synchronous_standby_names') AS names"))[0]?.['names']);
  await lab.waitFor('the other is a voter', async () => (await names()).startsWith('ANY 1 '), {
    deadlineMs: DEADLINE_MS,
  });
  await lab.query(primary, 'CREATE TABLE kept (n int)');
  await lab.kill(other, 'all');
  await lab.waitFor('it goes on alone', async () => (await names()) === '', { deadlineMs: DEADLINE_MS });
  await insert(primary, 1);
  expect((await lab.get(primary, '/primary'))?.status).toBe(200);
  await lab.startMember(other);
  await lab.waitFor('it waits for the other again', async () => (await names()).startsWith('ANY 1 '), {
    deadlineMs: DEADLINE_MS,
  });
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});

test('a lost host is replaced by its only voter before its ttl is over, with everything that was acknowledged', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  for (let n = 2; n <= 20; n += 1) await insert(primary, n);
  const begun = performance.now();
  await lab.kill(primary, 'all');
  const next = await lab.waitForLeader({ deadlineMs: DEADLINE_MS, not: primary });
  expect(performance.now() - begun).toBeLessThan(TTL_MS - 1_000);
  expect(await lab.query(next, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 20 }]);
});
