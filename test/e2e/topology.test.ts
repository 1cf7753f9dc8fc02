import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { showLogsOnFailure, useLab } from './cluster.ts';

const DEADLINE_MS = 90_000;

const cluster = useLab({ engine: 'postgres', members: [], haproxy: false, ttlMs: 10_000, restartAfterMs: 100 });

/** Who streams from a member, by member name. */
const receiversOf = async (name: string): Promise<readonly string[]> =>
  (
    await cluster.lab.query(
      name,
      `SELECT application_name AS receiver FROM pg_stat_replication WHERE state = 'streaming'`,
    )
  )
    .map((row) => String(row['receiver']).split('~')[0] ?? '')
    .toSorted();

const logOf = (name: string): string => readFileSync(cluster.lab.member(name).logFile, 'utf8');

/** Every hook writes its name, its member and the role; pre_promote says no where a file named after the member stands. */
const hooksOf = (name: string): Readonly<Record<string, readonly string[]>> => {
  const seen = join(cluster.lab.dir, `hooks-${name}`);
  const note = [
    '/bin/sh',
    '-c',
    `echo "begin $HAAGENT_HOOK $HAAGENT_ROLE" >> ${seen}; sleep 0.1; echo "end $HAAGENT_HOOK" >> ${seen}`,
  ];
  const ask = `test ! -e ${join(cluster.lab.dir, `veto-${name}`)} || { echo "$HAAGENT_MEMBER is being maintained" >&2; exit 3; }`;
  return { pre_promote: ['/bin/sh', '-c', ask], on_start: note, on_stop: note, on_role_change: note };
};
const heard = (name: string): readonly string[] => {
  const file = join(cluster.lab.dir, `hooks-${name}`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

test('a member copies its data from one that is tagged for it, and follows the one that it names', async () => {
  const { lab } = cluster;
  await lab.addMember({ name: 'pg1', config: { hooks: hooksOf('pg1') } });
  await lab.addMember({ name: 'pg2', tags: { clonefrom: true }, config: { hooks: hooksOf('pg2') } });
  await lab.addMember({ name: 'pg3', tags: { replicatefrom: 'pg2' }, config: { hooks: hooksOf('pg3') } });
  showLogsOnFailure(lab);
  await lab.etcd.start();
  await lab.etcd.ready();
  // Whoever begins to copy chooses by what the members have published.
  const pg2Streams = async (): Promise<boolean> => {
    const { stdout } = await lab.ctl(['list', '--output', 'json']);
    return /"pg2"[^}]*"streaming"/.test(stdout);
  };
  for (const [name, members] of [
    ['pg1', ['pg1']],
    ['pg2', ['pg1', 'pg2']],
    ['pg3', ['pg1', 'pg2', 'pg3']],
  ] as const) {
    await lab.startMember(name);
    expect(await lab.waitForHealthy({ deadlineMs: DEADLINE_MS, members })).toBe('pg1');
    if (name === 'pg2') await lab.waitFor('pg2 says that it streams', pg2Streams, { deadlineMs: DEADLINE_MS });
  }
  expect(await receiversOf('pg1')).toEqual(['pg2']);
  expect(await receiversOf('pg2')).toEqual(['pg3']);
  expect(logOf('pg3')).toMatch(/copy the data of pg2/);
  await lab.query('pg1', 'CREATE TABLE through_two AS SELECT generate_series(1, 1000) AS n');
  await lab.waitFor(
    'the rows arrive behind two servers',
    async () =>
      (await lab.query('pg3', `SELECT to_regclass('through_two') IS NOT NULL AS there`))[0]?.['there'] === true,
    { deadlineMs: 10_000 },
  );
});

test('while the one that it names is away it follows the leader, and goes back afterwards', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.kill('pg2', 'all');
  await lab.waitFor('pg3 streams from the leader', async () => (await receiversOf('pg1')).join() === 'pg3', {
    deadlineMs: DEADLINE_MS,
  });
  await lab.startMember('pg2');
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await lab.waitFor('pg3 streams from pg2 again', async () => (await receiversOf('pg2')).join() === 'pg3', {
    deadlineMs: DEADLINE_MS,
  });
  await lab.waitFor('only pg2 streams from the leader', async () => (await receiversOf('pg1')).join() === 'pg2', {
    deadlineMs: DEADLINE_MS,
  });
});

test('a pre_promote hook that says no leaves the leadership to another, and the hooks hear what happens in order', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  // pg2 comes first by its name; an equal position and priority leave nothing else to choose by.
  writeFileSync(join(lab.dir, 'veto-pg2'), '');
  appendFileSync(join(lab.dir, 'hooks-pg3'), 'the leader is lost\n');
  await lab.kill('pg1', 'all');
  expect(await lab.waitForLeader({ not: 'pg1', deadlineMs: DEADLINE_MS })).toBe('pg3');
  expect(logOf('pg2')).toContain('pg2 is being maintained');
  await lab.startMember('pg1');
  rmSync(join(lab.dir, 'veto-pg2'));
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const since = heard('pg3').slice(heard('pg3').indexOf('the leader is lost') + 1);
  expect(since).toEqual(['begin on_role_change primary', 'end on_role_change']);
  await lab.waitFor(
    'the hook of pg1 that is under way has ended',
    () => Promise.resolve(heard('pg1').at(-1)?.startsWith('end') === true),
    { deadlineMs: DEADLINE_MS },
  );
  const before = heard('pg1');
  for (const [index, line] of before.entries())
    if (line.startsWith('begin')) expect(before[index + 1]).toBe(`end ${line.split(' ')[1]}`);
  expect(before).toContain('begin on_role_change primary');
});

test('a stop with the database waits for the hook that is told of it', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const count = (): number => heard('pg2').filter((line) => line === 'end on_stop').length;
  const before = count();
  await lab.kill('pg2', 'agent', 'SIGINT');
  await lab.waitFor('the hook has ended', () => Promise.resolve(count() > before), { deadlineMs: DEADLINE_MS });
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});
