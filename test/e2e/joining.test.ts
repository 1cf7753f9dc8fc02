import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findAccount, findPostgresBin } from '../../chaos/lab/host.ts';
import type { LabMember } from '../../chaos/lab/lab.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

const DEADLINE_MS = 60_000;

const cluster = useLab({ engine: 'postgres', members: 2, haproxy: false });

const logOf = (member: LabMember): string => readFileSync(member.logFile, 'utf8');

test('agents that start before etcd wait for it, and then make one cluster', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  for (const { name } of lab.members) await lab.startMember(name);
  for (const { name } of lab.members)
    await lab.waitFor(`the agent of ${name} answers without etcd`, () => lab.get(name, '/liveness'), {
      deadlineMs: 20_000,
    });
  expect(await lab.get('pg1', '/primary')).toMatchObject({ status: 503 });
  await lab.etcd.start();
  await lab.etcd.ready();
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});

test('a member with an empty data directory is cloned from the cluster', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await lab.query(primary, 'CREATE TABLE before_the_clone AS SELECT generate_series(1, 1000) AS n');
  const added = await lab.addMember({ name: 'pg3' });
  await lab.startMember(added.name);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  expect(await lab.query(added.name, 'SELECT count(*)::int AS rows FROM before_the_clone')).toEqual([{ rows: 1000 }]);
});

test('a data directory of another cluster is refused and left as it is', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const stranger = await lab.addMember({ name: 'stranger' });
  const account = findAccount('postgres');
  execFileSync(`${findPostgresBin()}/initdb`, ['--pgdata', stranger.dataDir, '--no-sync', '--auth', 'trust'], {
    cwd: '/',
    stdio: 'ignore',
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  });
  const controlFile = `${stranger.dataDir}/global/pg_control`;
  const before = readFileSync(controlFile);
  await lab.startMember(stranger.name);
  await lab.waitFor(
    'the agent says that the data belongs to another cluster',
    () => Promise.resolve(/another cluster/.test(logOf(stranger))),
    { deadlineMs: 20_000 },
  );
  expect(readFileSync(controlFile).equals(before)).toBe(true);
  expect(lab.processes(stranger.name, 'database')).toEqual([]);
  await lab.kill(stranger.name, 'all');
  expect(await lab.leader()).toBe(primary);
});

test('a second agent under a name that lives is refused and changes nothing', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const impostor = await lab.addMember({ name: 'impostor', config: { member: { name: 'pg1' } } });
  const before = lab.processes('pg1', 'postmaster')[0]?.pid;
  await lab.startMember(impostor.name);
  await lab.waitFor(
    'the second agent says that the name is taken',
    () => Promise.resolve(/is used by a living agent/.test(logOf(impostor))),
    { deadlineMs: 20_000 },
  );
  await lab.kill(impostor.name, 'all');
  expect(lab.processes('pg1', 'postmaster')[0]?.pid).toBe(before);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS, members: ['pg1', 'pg2', 'pg3'] });
});
