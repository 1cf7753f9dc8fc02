import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { findAccount, findPostgresBin } from '../../chaos/lab/host.ts';
import type { Lab, LabMember } from '../../chaos/lab/lab.ts';
import { createLab } from '../../chaos/lab/process-lab.ts';
import { showLogsOnFailure } from './cluster.ts';

/** Clusters and members made from a backup by the operator's own programs. */

const DEADLINE_MS = 90_000;
const account = findAccount('postgres');

let folder: string;
let lab: Lab;

const written = z.object({
  postgresql: z.object({ authentication: z.object({ replication: z.object({ password: z.string() }) }) }),
});

/** A base backup of a cluster that has a table, made by PostgreSQL's own program. */
const makeBackup = async (to: string): Promise<void> => {
  const source = await createLab({ engine: 'postgres', members: 1, haproxy: false });
  try {
    await source.start();
    const primary = source.member(await source.waitForHealthy({ deadlineMs: DEADLINE_MS }));
    await source.query(primary.name, 'CREATE TABLE from_the_backup AS SELECT generate_series(1, 1000) AS n');
    const { postgresql } = written.parse(parse(readFileSync(primary.configFile, 'utf8')));
    const args = ['-D', to, '-h', primary.host, '-p', String(primary.port), '-U', 'replicator', '-c', 'fast', '-w'];
    execFileSync(`${findPostgresBin()}/pg_basebackup`, args, {
      cwd: '/',
      stdio: 'ignore',
      env: { ...process.env, PGPASSWORD: postgresql.authentication.replication.password },
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
  } finally {
    await source.stop();
  }
};

const backup = (): string => join(folder, 'backup');
/** Notes that it ran, fails as often as the file `failures` has lines, leaving half a copy; then restores the backup. */
const restore = (name: string): readonly string[] => [
  '/bin/sh',
  '-c',
  `echo "$HAAGENT_MEMBER" >> ${folder}/${name}
   if [ "$(wc -l < ${folder}/${name})" -le "$0" ]; then echo half > "$HAAGENT_DATA_DIR/half"; echo "the tape is stuck" >&2; exit 9; fi
   cp -a ${backup()}/. "$HAAGENT_DATA_DIR"`,
];
const runs = (name: string): readonly string[] => readFileSync(join(folder, name), 'utf8').trim().split('\n');
const logOf = (member: LabMember): string => readFileSync(member.logFile, 'utf8');
const rowsOf = (name: string) => lab.query(name, 'SELECT count(*)::int AS rows FROM from_the_backup');
/** What lies beside the data directory. */
const beside = ({ dataDir }: LabMember): readonly string[] =>
  readdirSync(dirname(dataDir)).filter((name) => name.startsWith(`${basename(dataDir)}.`));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'haagent-custom-'));
  chmodSync(folder, 0o777);
  mkdirSync(backup(), { mode: 0o700 });
  if (account !== undefined) chownSync(backup(), account.uid, account.gid);
  await makeBackup(backup());
  const bootstrap = { command: [...restore('bootstraps'), '2'] };
  lab = await createLab({
    engine: 'postgres',
    members: [{ name: 'pg1', config: { postgresql: { bootstrap } } }],
    haproxy: false,
    ttlMs: 5_000,
    restartAfterMs: 100,
  });
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a cluster begins with the backup that the command restores, once it succeeds; its failures are told and leave nothing', async () => {
  showLogsOnFailure(lab);
  await lab.start();
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  expect(await rowsOf('pg1')).toEqual([{ rows: 1000 }]);
  expect(runs('bootstraps')).toEqual(['pg1', 'pg1', 'pg1']);
  const pg1 = lab.member('pg1');
  expect(logOf(pg1)).toMatch(/making the first data with \/bin\/sh.*the tape is stuck/);
  expect(existsSync(join(pg1.dataDir, 'half'))).toBe(false);
  expect(beside(pg1)).toEqual([]);
});

test('a member is made from the backup, and streams what came after it', async () => {
  await lab.query('pg1', 'CREATE TABLE after_the_backup AS SELECT 1 AS n');
  const clone_methods = [{ name: 'tape', command: [...restore('clones'), '0'] }];
  const pg2 = await lab.addMember({ name: 'pg2', config: { postgresql: { clone_methods } } });
  showLogsOnFailure(lab);
  await lab.startMember('pg2');
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  expect(runs('clones')).toEqual(['pg2']);
  expect(await rowsOf('pg2')).toEqual([{ rows: 1000 }]);
  expect(await lab.query('pg2', 'SELECT n FROM after_the_backup')).toEqual([{ n: 1 }]);
  expect(logOf(pg2)).not.toMatch(/clone_method_failed/);
  expect(beside(pg2)).toEqual([]);
});
