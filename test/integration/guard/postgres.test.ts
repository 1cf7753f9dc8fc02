import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import type { RunResult } from '../../../src/ports/processes.ts';
import { findPostgresBin } from '../../../chaos/lab/host.ts';
import { ahead, clock, createLab, gone, order, processes, signal, term, type Lab } from './lab.ts';

const BIN = findPostgresBin();
const available = process.getuid?.() === 0;

let lab: Lab;
beforeEach(async () => {
  lab = await createLab({ fenceBudget: 800 });
});
afterEach(() => lab.close());

const user = (name: string, flag: string): number => Number(execFileSync('id', [flag, name]).toString());
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** A PostgreSQL server of its own, as the user postgres, in the lab's data directory. */
const createServerOf = async () => {
  const [uid, gid] = [user('postgres', '-u'), user('postgres', '-g')];
  const port = await freePort();
  const mark = join(lab.data, 'standby.signal');
  const target = { dataDir: lab.data, replicaMark: mark, uid, gid };
  const run = async (file: string, args: readonly string[], input = ''): Promise<RunResult> => {
    const result = await processes.run({
      file: `${BIN}/${file}`,
      args,
      input,
      uid,
      gid,
      timeout: ms(60_000),
      signal: signal(),
    });
    return result;
  };
  const sql = async (text: string): Promise<string> => {
    const result = await run('psql', ['-XAtqh', lab.folder, '-p', String(port), 'postgres'], text);
    if (result.kind !== 'exited' || result.code !== 0) throw new Error(JSON.stringify(result));
    return result.stdout.trim();
  };
  const writers = join(lab.folder, 'writers');
  mkdirSync(writers);
  for (const path of [lab.data, lab.folder]) chownSync(path, uid, gid);
  expect(await run('initdb', ['-D', lab.data, '-A', 'trust', '-N'])).toMatchObject({ kind: 'exited', code: 0 });
  writeFileSync(
    join(lab.data, 'postgresql.auto.conf'),
    `port = ${port}\nlisten_addresses = ''\nunix_socket_directories = '${lab.folder}'\nfsync = off\n`,
  );
  const start = async (): Promise<void> => {
    const output = join(lab.folder, 'postgres.log');
    await processes.launch({ file: `${BIN}/postgres`, args: ['-D', lab.data], uid, gid, output, group: `pg-${port}` });
    await vi.waitFor(() => sql('select 1'), { timeout: 20_000, interval: 100 });
  };
  return { target, mark, sql, start, run, uid, port };
};

test.runIf(available)('a real primary is fenced with all its sessions, and comes back as a replica only', async () => {
  const server = await createServerOf();
  const client = lab.client({ target: server.target, fenceBudget: ms(800) });
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await client.arm({ ...order, term: term(7), deadline: ahead(60_000) });
  await server.start();
  await server.sql('create table t (i int); create table busy as select generate_series(1, 3000000) i');
  // One session commits as fast as it can, one computes inside a transaction, one sleeps.
  const sessions = [
    'do $$ begin loop insert into t values (1); commit; end loop; end $$',
    'select count(*) from busy a, busy b',
    'select pg_sleep(1000)',
  ].map((text) => server.sql(text).catch((error: unknown) => String(error)));
  const active = "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()";
  await vi.waitFor(async () => expect(Number(await server.sql(active))).toBeGreaterThanOrEqual(3), {
    timeout: 10_000,
    interval: 200,
  });
  const processCount = processes.within(lab.data).length;
  expect(existsSync(server.mark)).toBe(false);

  await client.arm({ ...order, term: term(7), deadline: ahead(60_000) });
  const deadline = ahead(2_000);
  await client.arm({ ...order, term: term(8), deadline });
  await client.close();
  const goneAt = await gone(lab, 6_000);
  console.log(
    `${processCount} processes gone ${(goneAt - (deadline.mono - 800)).toFixed(0)} ms after the fence was due, ` +
      `${(deadline.mono - goneAt).toFixed(0)} ms before the deadline`,
  );
  expect(goneAt).toBeLessThan(deadline.mono);
  for (const ended of await Promise.all(sessions)) expect(ended).toContain('Error');
  await vi.waitFor(() => expect(statSync(server.mark).uid).toBe(server.uid), 10_000);

  const adopted = lab.client({ target: server.target });
  await vi.waitFor(() => expect(adopted.state().alive).toBe(true), 10_000);
  await adopted.disarm({ ...order, term: adopted.state().armed!.term });
  await server.start();
  expect(await server.sql('select pg_is_in_recovery()')).toBe('t');
  expect(readFileSync(join(lab.data, 'PG_VERSION'), 'utf8').trim()).toBe('15');

  // Promoted behind the guard's back, it is a primary without a deadline.
  await server.run('pg_ctl', ['promote', '-D', lab.data]);
  await gone(lab, 10_000);
  await vi.waitFor(() => expect(adopted.events.at(-1)).toMatchObject({ kind: 'fenced' }), 10_000);
});

test.runIf(available)('a postmaster that was killed alone leaves sessions that the fence finds', async () => {
  const server = await createServerOf();
  const client = lab.client({ target: server.target });
  await vi.waitFor(() => expect(client.state().alive).toBe(true), 10_000);
  await client.arm({ ...order, term: term(7), deadline: ahead(60_000) });
  await server.start();
  await server.sql('create table busy as select generate_series(1, 3000000) i');
  const session = server.sql('select count(*) from busy a, busy b').catch((error: unknown) => String(error));
  await vi.waitFor(
    async () =>
      expect(
        await server.sql(
          "select count(*) from pg_stat_activity where query like '%busy a%' and state = 'active' and pid <> pg_backend_pid()",
        ),
      ).not.toBe('0'),
    { timeout: 10_000, interval: 200 },
  );
  const postmaster = Number(readFileSync(join(lab.data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  processes.signal(processes.find(postmaster)!, 'SIGKILL');
  await clock.sleep(ms(500), order);
  expect(processes.within(lab.data).length).toBeGreaterThan(0);
  await client.disarm({ ...order, term: term(7) });
  await gone(lab, 10_000);
  expect(await session).toContain('Error');
  await vi.waitFor(() => expect(existsSync(server.mark)).toBe(true), 10_000);
});
