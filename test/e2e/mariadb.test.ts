import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { showLogsOnFailure, useLab } from './cluster.ts';

/** The rules are the same for every engine and tested on PostgreSQL; here it is seen that they hold on MariaDB's servers. */
const shared = useLab({ engine: 'mariadb', members: 3, ttlMs: 4_000, restartAfterMs: 100, haproxy: false });
const DEADLINE = { deadlineMs: 120_000 };

const rowsOf = async (member: string): Promise<readonly number[]> =>
  (await shared.lab.query(member, 'select id from chaos.t order by id')).map(({ id }) => Number(id));
/** Writes a row to whoever leads. An agent may not have noticed yet that its database is gone: it is tried until it is acknowledged. */
const write = (id: number): Promise<true> =>
  shared.lab.waitFor(
    `the row ${id} is acknowledged`,
    async () => {
      const leader = await shared.lab.leader();
      if (leader === undefined) return undefined;
      return shared.lab.query(leader, `insert ignore into chaos.t values (${id})`).then(
        () => true as const,
        () => undefined,
      );
    },
    DEADLINE,
  );

/** Every member shows the same rows, and among them what was acknowledged. */
const allAlike = async (acknowledged: readonly number[]): Promise<void> => {
  const { lab } = shared;
  const rows = await lab.waitFor(
    'every member shows the same rows',
    async () => {
      const all = await Promise.all(lab.members.map(({ name }) => rowsOf(name)));
      return new Set(all.map((each) => each.join(' '))).size === 1 ? all[0] : undefined;
    },
    DEADLINE,
  );
  expect(rows).toEqual(expect.arrayContaining([...acknowledged]));
};

beforeAll(async () => {
  await shared.lab.start();
  const primary = await shared.lab.waitForHealthy(DEADLINE);
  await shared.lab.prepareWriter(primary);
  await shared.lab.query(primary, 'create table chaos.t (id int primary key)');
  await write(1);
}, 150_000);

test('three members start at once: one creates the data, the others copy it', async () => {
  const { lab } = shared;
  showLogsOnFailure(lab);
  await allAlike([1]);
  for (const { name, role } of await lab.observe())
    expect(role, name).toBe(name === (await lab.leader()) ? 'primary' : 'replica');
});

test('a hand-over loses nothing, and the former primary follows', async () => {
  const { lab } = shared;
  showLogsOnFailure(lab);
  const before = await lab.waitForHealthy(DEADLINE);
  await lab.switchover();
  const after = await lab.waitForHealthy(DEADLINE);
  expect(after).not.toBe(before);
  await write(2);
  await allAlike([1, 2]);
}, 150_000);

test('a crashed server comes back in place with everything that it acknowledged', async () => {
  const { lab } = shared;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy(DEADLINE);
  await write(3);
  await lab.kill(primary, 'postmaster');
  await write(4);
  await lab.waitForHealthy(DEADLINE);
  await allAlike([1, 2, 3, 4]);
}, 150_000);

test('a lost host is replaced, and comes back as a replica', async () => {
  const { lab } = shared;
  showLogsOnFailure(lab);
  const lost = await lab.waitForHealthy(DEADLINE);
  await allAlike([1, 2, 3, 4]);
  await lab.kill(lost, 'all');
  await lab.waitForLeader({ ...DEADLINE, not: lost });
  await write(5);
  await lab.startMember(lost);
  await lab.waitForHealthy(DEADLINE);
  await allAlike([1, 2, 3, 4, 5]);
}, 200_000);

test('what somebody writes on a replica behind its agent is kept aside, and the replica is copied anew', async () => {
  const { lab } = shared;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy(DEADLINE);
  const replica = lab.members.find(({ name }) => name !== primary);
  if (replica === undefined) throw new Error('there is no replica');
  for (const sql of ['set global read_only = 0', 'insert into chaos.t values (6666)', 'set global read_only = 1'])
    await lab.query(replica.name, sql);
  await write(6);
  const kept = await lab.waitFor(
    'the errant transaction is listed',
    async () => {
      const folder = join(replica.dir, 'state/mariadb');
      const lost = (await readdir(folder)).find((name) => name.startsWith('lost-'));
      return lost === undefined
        ? undefined
        : readFile(join(folder, lost, 'transactions.txt'), 'utf8').catch(() => undefined);
    },
    DEADLINE,
  );
  expect(kept).toContain('@1=6666');
  await lab.waitForHealthy(DEADLINE);
  await lab.waitFor(
    'the errant row is gone',
    async () => {
      const rows = await rowsOf(replica.name).catch(() => [6666]);
      return rows.includes(6666) ? undefined : true;
    },
    DEADLINE,
  );
  await allAlike([1, 2, 3, 4, 5, 6]);
}, 200_000);
