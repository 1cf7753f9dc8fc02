import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { LabMember } from '../../chaos/lab/lab.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

const DEADLINE_MS = 90_000;

const cluster = useLab({ engine: 'postgres', members: 1, haproxy: false, ttlMs: 10_000, restartAfterMs: 100 });

let listener: Server | undefined;
afterEach(() => {
  listener?.close();
});

const logOf = (member: LabMember): string => readFileSync(member.logFile, 'utf8');
const says = (member: LabMember, what: RegExp): Promise<boolean> =>
  cluster.lab.waitFor(`${member.name} says ${what.source}`, () => Promise.resolve(what.test(logOf(member))), {
    deadlineMs: DEADLINE_MS,
  });
/** The leader and its database, which no bad member may disturb. */
const leader = async (): Promise<string> => {
  const { lab } = cluster;
  return `${await lab.leader()} ${lab.processes('pg1', 'postmaster')[0]?.pid}`;
};

test('with a wrong password a member copies nothing, says so, and disturbs nobody', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.start();
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const before = await leader();
  const guest = await lab.addMember({
    name: 'guest',
    config: {
      postgresql: {
        authentication: {
          superuser: { username: 'postgres', password: 'x' },
          replication: { username: 'replicator', password: 'wrong' },
        },
      },
    },
  });
  await lab.startMember('guest');
  await says(guest, /wrong-password/);
  await lab.waitFor(
    'why tells it too',
    async () => /refuses the password of 'replicator'/.test((await lab.get('guest', '/why'))?.body ?? ''),
    { deadlineMs: DEADLINE_MS },
  );
  expect(await leader()).toBe(before);
  await lab.kill('guest', 'all');
});

test('while its port is taken a member says by what it is stopped, and starts when the port is free', async () => {
  const { lab } = cluster;
  const late = await lab.addMember({ name: 'late' });
  showLogsOnFailure(lab);
  listener = createServer().listen(late.port, '127.0.0.1');
  await once(listener, 'listening');
  await lab.startMember('late');
  await says(late, new RegExp(`port ${late.port} of 127.0.0.1 or its socket in .* is used by another program`));
  listener.close();
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS, members: ['pg1', 'late'] });
  await lab.kill('late', 'all');
});

test('an agent whose own port is taken ends, and names the port', async () => {
  const { lab } = cluster;
  const deaf = await lab.addMember({ name: 'deaf' });
  showLogsOnFailure(lab);
  const port = Number(new URL(deaf.apiUrl).port);
  listener = createServer().listen(port, '127.0.0.1');
  await once(listener, 'listening');
  await lab.startMember('deaf');
  await says(deaf, new RegExp(`${port}`));
  await lab.waitFor('it has ended', () => Promise.resolve(lab.processes('deaf', 'all').length === 0), {
    deadlineMs: DEADLINE_MS,
    everyMs: 10,
  });
  await lab.kill('deaf', 'all');
});

test.runIf(process.getuid?.() === 0)('a data directory of another owner is refused and left as it is', async () => {
  const { lab } = cluster;
  const foreign = await lab.addMember({ name: 'foreign' });
  showLogsOnFailure(lab);
  mkdirSync(foreign.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(foreign.dataDir, 'PG_VERSION'), '15\n');
  chownSync(foreign.dataDir, 1, 1);
  await lab.startMember('foreign');
  await says(foreign, /belongs to user 1, PostgreSQL would run as \d+; give it to that user/);
  expect(readFileSync(join(foreign.dataDir, 'PG_VERSION'), 'utf8')).toBe('15\n');
  expect(lab.processes('foreign', 'database')).toEqual([]);
  await lab.kill('foreign', 'all');
});

/** A clone method that leaves half a copy and then hangs, as long as the file `hang` stands. */
const hanging = (dir: string): object => ({
  name: 'hanging',
  command: [
    '/bin/sh',
    '-c',
    `echo half > "$HAAGENT_DATA_DIR/half"; echo begun >> ${dir}/begun; test -e ${dir}/hang && sleep 1003; exit 1`,
  ],
});
const hung = (): boolean => existsSync(join(signs(), 'begun'));
/** A folder in which the database's user can leave signs. */
const signs = (): string => {
  const folder = join(cluster.lab.dir, 'signs');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  return folder;
};

for (const victims of [['agent'], ['guard', 'agent'], ['all']] as const)
  test(`a member whose ${victims.join(' and ')} were killed in the middle of a clone copies again from the beginning`, async () => {
    const { lab } = cluster;
    const name = `half-${victims.length}${victims[0]}`;
    rmSync(join(signs(), 'begun'), { force: true });
    writeFileSync(join(signs(), 'hang'), '');
    const half = await lab.addMember({ name, config: { postgresql: { clone_methods: [hanging(signs())] } } });
    showLogsOnFailure(lab);
    await lab.startMember(name);
    await lab.waitFor('the clone is half done', () => Promise.resolve(hung()), { deadlineMs: DEADLINE_MS });
    rmSync(join(signs(), 'hang'));
    for (const part of victims) await lab.kill(name, part);
    if (victims[0] === 'all') await lab.startMember(name);
    await lab.waitForHealthy({ deadlineMs: DEADLINE_MS, members: ['pg1', name] });
    expect(existsSync(join(half.dataDir, 'half'))).toBe(false);
    await lab.kill(name, 'all');
  });

test('a configured clone method is asked first, with what it needs to know, and pg_basebackup does what it cannot', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  const seen = join(signs(), 'methods');
  const restore = `echo "$HAAGENT_CLUSTER $HAAGENT_SYSTEM_ID" >> ${seen}; exit 7`;
  const copy = await lab.addMember({
    name: 'restored',
    config: { postgresql: { clone_methods: [{ name: 'backup-tool', command: ['/bin/sh', '-c', restore] }] } },
  });
  await lab.startMember(copy.name);
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS, members: ['pg1', 'restored'] });
  expect(readFileSync(seen, 'utf8')).toMatch(/^demo \d+\n$/);
  expect(logOf(copy)).toMatch(/backup-tool/);
});
