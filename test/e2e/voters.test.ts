import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pause } from '../../chaos/lab/wait.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

/** Voters that come and go, in the mode that names as many as it asks for. */

const DEADLINE_MS = 60_000;
/** What a busy machine may need besides. */
const ALLOWANCE_MS = 3_000;

const cluster = useLab({
  engine: 'postgres',
  members: 3,
  haproxy: false,
  ttlMs: 6_000,
  restartAfterMs: 100,
  settings: { replication: { mode: 'sync' } },
});

const healthy = (): Promise<string> => cluster.lab.waitForHealthy({ deadlineMs: DEADLINE_MS });

/** The only voter, as the primary demands it. */
const voterOf = async (primary: string): Promise<string | undefined> => {
  const [row] = await cluster.lab.query(primary, "SELECT current_setting('synchronous_standby_names') AS names");
  return /^ANY 1 \("(\w+)~[^,]*"\)$/.exec(String(row?.['names']))?.[1];
};

const anyVoter = (primary: string, not?: string): Promise<string> =>
  cluster.lab.waitFor(
    'one member is the voter',
    async () => {
      const found = await voterOf(primary);
      return found === undefined || found === not ? undefined : found;
    },
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );

const nameOf = (name: string): RegExp => new RegExp(`"rule":"${name}"`);
const logOf = (name: string): string => readFileSync(cluster.lab.member(name).logFile, 'utf8');

/** Commits again and again while `work` runs; returns the longest time between two acknowledgements. */
const longestGap = async (primary: string, work: () => Promise<void>): Promise<number> => {
  const { lab } = cluster;
  await lab.query(primary, 'CREATE TABLE IF NOT EXISTS beats (n int)');
  const done = new AbortController();
  let last = performance.now();
  let longest = 0;
  const beating = (async (): Promise<void> => {
    while (!done.signal.aborted) {
      await lab.query(primary, 'INSERT INTO beats VALUES (1)');
      const now = performance.now();
      [longest, last] = [Math.max(longest, now - last), now];
      await pause(10);
    }
  })();
  try {
    await work();
  } finally {
    done.abort();
  }
  await beating;
  return longest;
};

test('a cluster that begins in sync mode waits for one voter', async () => {
  showLogsOnFailure(cluster.lab);
  await cluster.lab.start();
  const primary = await healthy();
  expect(await anyVoter(primary)).not.toBe(primary);
});

test('a voter whose host is lost is replaced when its connection ends', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await healthy();
  const before = await anyVoter(primary);
  const gap = await longestGap(primary, async () => {
    await lab.kill(before, 'all');
    expect(await anyVoter(primary, before)).not.toBe(before);
  });
  expect(gap).toBeLessThan(1_000 + ALLOWANCE_MS);
  await lab.startMember(before);
  expect(await healthy()).toBe(primary);
});

describe('before it goes by plan a voter leaves, so that no commit waits for it:', () => {
  for (const [command, begun, done] of [
    ['restart', 'intent.restart', 'intent.restarted'],
    ['reinit', 'intent.reinitialize', 'intent.reinitialized'],
  ] as const)
    test(command, async () => {
      const { lab } = cluster;
      showLogsOnFailure(lab);
      const primary = await healthy();
      const before = await anyVoter(primary);
      expect(logOf(before)).not.toMatch(nameOf(begun));
      const gap = await longestGap(primary, async () => {
        const { code, stderr } = await lab.ctl(
          command === 'restart' ? [command, before, '--yes'] : [command, before, '--confirm', before],
          { deadlineMs: DEADLINE_MS },
        );
        expect(`${code} ${stderr}`).toMatch(/^0/);
        await lab.waitFor(
          'it says that it left first',
          () => Promise.resolve(nameOf('member.leave-voters').test(logOf(before))),
          { deadlineMs: DEADLINE_MS },
        );
        await lab.waitFor('what was asked for is done', () => Promise.resolve(nameOf(done).test(logOf(before))), {
          deadlineMs: DEADLINE_MS,
        });
        await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
      });
      expect(gap).toBeLessThan(500 + ALLOWANCE_MS);
      expect(await anyVoter(primary)).not.toBe(before);
    });
});

test('a leader without etcd is demoted when the agent of a member starts anew and cannot promise; then all is well again', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await healthy();
  const replica = lab.members.map(({ name }) => name).find((name) => name !== primary) ?? '';
  await lab.query(primary, 'CREATE TABLE kept AS SELECT 1 AS n');
  await lab.etcd.freeze();
  await lab.waitFor('it goes on by promises', () => Promise.resolve(/"event":"failsafe.begun"/.test(logOf(primary))), {
    deadlineMs: DEADLINE_MS,
  });
  await lab.query(primary, 'INSERT INTO kept VALUES (2)');
  await lab.kill(replica, 'agent');
  await lab.waitFor('it is no primary any more', async () => (await lab.get(primary, '/primary'))?.status === 503, {
    deadlineMs: DEADLINE_MS,
  });
  await lab.waitFor(
    'its database is down or a replica',
    async () => {
      const [row] = await lab.query(primary, 'SELECT pg_is_in_recovery() AS replica').catch(() => [{ replica: true }]);
      return row?.['replica'] === true;
    },
    { deadlineMs: DEADLINE_MS },
  );
  expect(await lab.leader()).toBeUndefined();
  await lab.etcd.thaw();
  const next = await healthy();
  expect(await lab.query(next, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
});
