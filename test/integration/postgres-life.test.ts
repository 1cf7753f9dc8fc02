import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ms, parseInstanceId, termOf, revision, type InstanceId } from '../../src/core/brand.ts';
import { StepError } from '../../src/core/errors.ts';
import { openSession } from '../../src/adapters/postgres/session.ts';
import { clock, createLab, freePort, processes, step, until, type Lab, type TestMember } from '../support/postgres.ts';

const instance = parseInstanceId('inst1') as InstanceId;
const config = (parameters: Record<string, string> = {}) => ({
  parameters,
  accessRules: [],
  memberHosts: ['127.0.0.1', 'localhost'],
  instance,
});
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof StepError ? error.code : String(error)),
  );

/** Empty for a process that has ended since it was listed (a worker of autovacuum, for instance). */
const readOfProcess = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

describe('one PostgreSQL server', () => {
  let lab: Lab;
  let a: TestMember;

  beforeAll(async () => {
    lab = await createLab();
    a = await lab.member('a', {
      clusterName: `it's "odd" $(id)`,
      credentials: {
        superuser: { username: 'postgres', password: `su'per"\\` },
        replication: { username: `repl "o'x" \\`, password: `a:b\\c'd"e ` },
        rewind: { username: 'Rewind-er', password: 'x$y' },
        agent: { username: `agent'; drop`, password: `'";--` },
      },
    });
    await a.database.initialize(step());
    await a.database.configure({ ...step(), ...config({ work_mem: '5MB' }) });
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 2 });
  });
  afterAll(() => lab.close());

  it('is created with accounts that can do what they need and no more', async () => {
    const rows = await a.sql(
      'select rolname, rolsuper, rolreplication, rolcreaterole, rolcanlogin from pg_roles where rolcanlogin order by 1',
    );
    expect(rows.map((row) => Object.values(row).join(' '))).toEqual([
      'Rewind-er f f f t',
      `agent'; drop f t f t`,
      'postgres t t t t',
      `repl "o'x" \\ f t f t`,
    ]);
    const passwords = await a.sql('select rolpassword from pg_authid where rolcanlogin');
    for (const row of passwords) expect(row['rolpassword']).toMatch(/^SCRAM-SHA-256\$4096:/);
  });

  it('lets the agent in over the socket only, and keeps passwords out of every argument and log', async () => {
    const { agent } = a.options.credentials;
    const target = { host: '127.0.0.1', port: a.options.port, account: agent, applicationName: 'test' };
    await expect(openSession(clock, target, step())).rejects.toMatchObject({ code: '28000' });
    const tree = processes.within(a.options.dataDir);
    expect(tree.length).toBeGreaterThan(3);
    const seen = [
      ...tree.map(({ pid }) => readOfProcess(pid, 'cmdline') + readOfProcess(pid, 'environ')),
      readFileSync(join(a.options.stateDir, 'postgres', 'haagent.conf'), 'utf8'),
      readFileSync(join(a.options.stateDir, 'postgres', 'postgres.log'), 'utf8'),
      JSON.stringify(a.lines),
    ].join('\n');
    for (const { password } of Object.values(a.options.credentials)) expect(seen).not.toContain(password);
    expect(statSync(join(a.options.stateDir, 'postgres', 'passfile')).mode & 0o777).toBe(0o600);
  });

  it('shows an outcome that everything else can rely on', async () => {
    const view = await a.running();
    expect(view).toMatchObject({
      role: 'primary',
      writable: true,
      generation: 2,
      source: undefined,
      pendingRestart: [],
    });
    expect(a.database.positions.parse(view.position)).toEqual(view.position);
    expect(a.database.positions.generation(view.position)).toBe(2);
    expect(Math.abs(view.startedAt - Date.now())).toBeLessThan(120_000);
    expect(a.database.rewindObstacles()).toEqual([]);
    await a.database.checkpoint(step());
    expect((await a.running()).rewindable).toBe(true);
    expect((await a.sql('show cluster_name'))[0]).toEqual({ cluster_name: `it's "odd" $(id)` });
  });

  it('records a barrier, and one that nobody acknowledges times out and leaves no session behind', async () => {
    await a.database.barrier({ ...step(), term: termOf(revision(1n << 62n)) });
    expect((await a.sql('select term from haagent.barrier'))[0]).toEqual({ term: String(1n << 62n) });
    await a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: ['nobody~inst9'], acks: 1 } });
    const waiting = a.database.barrier({ ...step(1_000), term: termOf(revision(5n)) });
    expect(await codeOf(waiting)).toBe('timed-out');
    await until('no session waits for an acknowledgement', async () =>
      (await a.sql(`select 1 from pg_stat_activity where wait_event = 'SyncRep'`)).length === 0 ? true : undefined,
    );
    await a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
    await a.database.barrier({ ...step(), term: termOf(revision(6n)) });
  });

  it('reloads what it can, says what needs a restart, and leaves out what the server refuses', async () => {
    const parameters = {
      work_mem: '7MB',
      max_connections: '40',
      track_activity_query_size: '2048',
      no_such_thing: '1',
    };
    await a.database.configure({
      ...step(),
      ...config({ ...parameters, deadlock_timeout: 'soon', archive_command: 'touch /tmp/x' }),
    });
    await until('work_mem', async () => ((await a.sql('show work_mem'))[0]?.['work_mem'] === '7MB' ? true : undefined));
    await until('pending restarts', async () => {
      const { pendingRestart } = await a.running();
      return pendingRestart.join() === 'max_connections,track_activity_query_size' ? true : undefined;
    });
    const said = a.lines.filter((line) => line.event === 'database.parameter_refused').map((line) => line.text);
    expect(said.join('\n')).toMatch(/no_such_thing[^]*deadlock_timeout|deadlock_timeout[^]*no_such_thing/);
    expect(said.join('\n')).toMatch(/archive_command/);
    await a.database.stop(step());
    await a.database.start({ ...step(), source: undefined });
    expect((await a.sql('show max_connections'))[0]).toEqual({ max_connections: '40' });
    await a.database.configure({ ...step(), ...config({ ...parameters, work_mem: '8MB' }) });
    await until('work_mem', async () => ((await a.sql('show work_mem'))[0]?.['work_mem'] === '8MB' ? true : undefined));
    await until('nothing pending', async () => ((await a.running()).pendingRestart.length === 0 ? true : undefined));
    expect((await a.running()).role).toBe('replica');
    await a.database.promote({ ...step(), generation: 5 });
    expect((await a.running()).generation).toBe(5);
  });

  it('refuses a generation that is not newer, and one that it did not choose is fenced', async () => {
    expect(await codeOf(a.database.promote({ ...step(), generation: 5 }))).toBe('done');
    expect(await codeOf(a.database.promote({ ...step(), generation: 9 }))).toBe('generation-mismatch');
    expect(processes.within(a.options.dataDir)).toEqual([]);
    expect(existsSync(a.database.guardTarget.replicaMark)).toBe(true);
    await a.database.start({ ...step(), source: undefined });
    expect(await codeOf(a.database.promote({ ...step(), generation: 5 }))).toBe('refused');
    await a.database.promote({ ...step(), generation: 9 });
  });

  it('comes back in place after a crash with every commit, as a replica first', async () => {
    await a.sql('create table kept (n int)');
    await a.sql('insert into kept select generate_series(1, 1000)');
    const exited = new Promise<void>((resolve) => {
      const cancel = a.database.onEvent((event) => {
        if (event.kind !== 'exited') return;
        cancel();
        resolve();
      });
    });
    const tree = processes.within(a.options.dataDir);
    const postmaster = tree.find((each) => !tree.some((other) => other.pid === each.ppid));
    processes.signal(postmaster!, 'SIGKILL');
    await exited;
    const view = await until('it is seen as stopped', async () => {
      const found = await a.database.observe(step());
      return found.kind === 'stopped' ? found : undefined;
    });
    expect(view).toMatchObject({ cleanly: false, wasPrimary: true, position: undefined });
    await a.database.start({ ...step(), source: undefined });
    expect((await a.running()).role).toBe('replica');
    expect((await a.sql('select count(*) from kept'))[0]).toEqual({ count: '1000' });
    await a.database.promote({ ...step(), generation: 10 });
    expect(await a.running()).toMatchObject({ role: 'primary', generation: 10 });
  });

  it('that is stopped by a signal is unresponsive within the time of the question, also to a new agent', async () => {
    const other = await a.again();
    expect((await other.observe(step())).kind).toBe('running');
    const tree = processes.within(a.options.dataDir);
    for (const each of tree) processes.signal(each, 'SIGSTOP');
    for (const database of [a.database, other, await a.again()]) {
      const begun = clock.now().mono;
      expect((await database.observe(step(800))).kind).toBe('unresponsive');
      expect(clock.now().mono - begun).toBeLessThan(1_200);
    }
    await clock.sleep(ms(50), { signal: new AbortController().signal });
    const again = await a.database.observe(step(800));
    expect(again.kind === 'unresponsive' && again.forMs).toBeGreaterThan(50);
    for (const each of tree) processes.signal(each, 'SIGCONT');
    await until('it answers again', async () =>
      (await a.database.observe(step())).kind === 'running' ? true : undefined,
    );
  });

  it('whose backends alone are stopped is unresponsive as well', async () => {
    await a.running();
    const backends = (await a.sql(`select pid from pg_stat_activity where application_name = 'haagent'`)).map((row) =>
      Number(row['pid']),
    );
    const stopped = processes.within(a.options.dataDir).filter(({ pid }) => backends.includes(pid));
    expect(stopped.length).toBeGreaterThan(0);
    for (const each of stopped) processes.signal(each, 'SIGSTOP');
    expect((await a.database.observe(step(500))).kind).toBe('unresponsive');
    for (const each of stopped) processes.signal(each, 'SIGKILL');
    await until('the crashed backend ended the server', async () =>
      (await a.database.observe(step())).kind === 'stopped' ? true : undefined,
    );
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 11 });
  });

  it('with every connection taken still answers the agent', async () => {
    const { superuser } = a.options.credentials;
    await a.sql(`create role app login password 'app'`);
    const target = {
      host: '127.0.0.1',
      port: a.options.port,
      account: { username: 'app', password: 'app' },
      applicationName: 'app',
    };
    const taken: { close(): void }[] = [];
    for (;;) {
      const session = await openSession(clock, target, step()).catch((error: Error) => error);
      if (session instanceof Error) {
        expect(session).toMatchObject({ code: '53300' });
        break;
      }
      taken.push(session);
    }
    const fresh = await a.again();
    expect((await fresh.observe(step())).kind).toBe('running');
    for (const session of taken) session.close();
    expect(superuser.username).toBe('postgres');
  });

  it('cannot start on a port that is taken, and says so', async () => {
    await a.database.stop(step());
    const blocker = (await import('node:net')).createServer().listen(a.options.port, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    try {
      await expect(a.database.start({ ...step(), source: undefined })).rejects.toThrow(/used by another program/);
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
    await a.database.start({ ...step(), source: undefined });
    expect(await a.running()).toMatchObject({ role: 'replica' });
  });

  it('fenced leaves nothing running, and the next start is a replica', async () => {
    await a.database.promote({ ...step(), generation: 14 });
    expect(existsSync(a.database.guardTarget.replicaMark)).toBe(false);
    await a.database.fence(step(2_000));
    expect(processes.within(a.options.dataDir)).toEqual([]);
    expect(existsSync(a.database.guardTarget.replicaMark)).toBe(true);
    await a.database.fence(step(2_000));
    await a.database.start({ ...step(), source: undefined });
    expect((await a.running()).role).toBe('replica');
  });

  it('with placeholders of a promotion that never happened starts all the same', async () => {
    const { timeline } = { timeline: (await a.running()).generation };
    const controller = new AbortController();
    const wal = join(a.options.dataDir, 'pg_wal');
    await a.database.stop(step());
    const { placeholderHistory } = await import('../../src/adapters/postgres/timeline-history.ts');
    const { createFiles } = await import('../../src/adapters/engine/files.ts');
    await createFiles(a.options.osUser).write(join(wal, '0000000F.history'), placeholderHistory(timeline));
    expect(timeline).toBe(14);
    await a.database.start({ signal: controller.signal, timeout: ms(10_000), source: undefined });
    await a.database.promote({ ...step(), generation: 17 });
    expect((await a.running()).generation).toBe(17);
  });

  it('that saw the beginning of a lost timeline does not continue a history that never happened', async () => {
    await a.database.stop(step());
    await a.database.start({ ...step(), source: undefined });
    const { createFiles } = await import('../../src/adapters/engine/files.ts');
    await createFiles(a.options.osUser).write(
      join(a.options.dataDir, 'pg_wal', '00000012.history'),
      '17\t7/F000000\tlost winner\n',
    );
    await a.database.promote({ ...step(), generation: 20 });
    const view = await a.running();
    expect(view.generation).toBe(20);
    const history = readFileSync(join(a.options.dataDir, 'pg_wal', '00000014.history'), 'utf8');
    expect(history).not.toContain('lost winner');
    expect(history).toMatch(/^17\t0\//m);
  });
});

describe('a data directory', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await createLab();
  });
  afterAll(() => lab.close());

  it('with something else in it is left alone', async () => {
    const x = await lab.member('x', { port: await freePort() });
    const { createFiles } = await import('../../src/adapters/engine/files.ts');
    const files = createFiles(x.options.osUser);
    await files.directory(x.options.dataDir);
    await files.write(join(x.options.dataDir, 'letter.txt'), 'dear');
    expect(await x.database.observe(step())).toMatchObject({
      kind: 'unusable',
      why: expect.stringContaining('no PG_VERSION'),
    });
    expect(await codeOf(x.database.initialize(step()))).toBe('refused');
    await files.write(join(x.options.dataDir, 'PG_VERSION'), '12\n');
    expect(await x.database.observe(step())).toMatchObject({
      kind: 'unusable',
      why: expect.stringContaining('PostgreSQL 12'),
    });
    expect(readFileSync(join(x.options.dataDir, 'letter.txt'), 'utf8')).toBe('dear');
  });
});
