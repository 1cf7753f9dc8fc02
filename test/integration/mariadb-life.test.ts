import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/adapters/mysql/options.ts';
import { errnoOf } from '../../src/adapters/mysql/session.ts';
import { StepError } from '../../src/core/errors.ts';
import { bootstrap, createLab, ENGINE, processes, step, until, type Lab, type TestMember } from '../support/mysql.ts';

/** The one server error that a client gets from a read-only server. */
const READ_ONLY = 1290;

const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined, errnoOf);
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const ids = async (member: TestMember): Promise<readonly number[]> =>
  (await member.asClient('select id from app.t order by id')).map((row) => Number(row['id']));

/** The server dies as in a crash. */
const crash = async (member: TestMember): Promise<void> => {
  const killed = processes.within(member.options.dataDir);
  for (const each of killed) processes.signal(each, 'SIGKILL');
  await until('the server is gone', async () => (killed.some(processes.alive) ? undefined : true));
};

const streams = (member: TestMember): Promise<true> =>
  until(`${member.options.name} streams`, async () => ((await member.running()).streaming ? true : undefined));

describe.each<Engine>([ENGINE])('%s', (engine) => {
  let lab: Lab;
  let a: TestMember;
  let b: TestMember;
  let systemId: string;

  beforeAll(async () => {
    lab = await createLab(engine);
    [a, b] = [await lab.member('a'), await lab.member('b')];
  });
  afterAll(() => lab.close());

  test('new data becomes a primary, and only a promotion lets clients write', async () => {
    expect(await a.view()).toEqual({ kind: 'empty' });
    ({ systemId } = await a.database.initialize(step()));
    expect(await a.view()).toMatchObject({
      kind: 'stopped',
      systemId,
      cleanly: true,
      wasPrimary: false,
      generation: 0,
      pristine: true,
    });
    await a.database.start({ ...step(), source: undefined });
    expect(await a.running()).toMatchObject({ role: 'replica', writable: false, generation: 0, source: undefined });
    await a.database.promote({ ...step(), generation: 2 });
    expect(await a.running()).toMatchObject({ role: 'primary', writable: true, generation: 2 });
    // Done already is done.
    await a.database.promote({ ...step(), generation: 2 });
    await a.sql(`create user 'client'@'%' identified by 'for-tests'`);
    await a.sql('create database app');
    await a.sql(`grant select, insert, update, delete on app.* to 'client'@'%'`);
    await a.sql('create table app.t (id int primary key) engine = InnoDB');
    await a.asClient('insert into app.t values (1)');
    expect(await refusal(a.asClient('set global read_only = 1'))).toBe(1227);
  });

  test('a copy made while clients write follows from where it ends', async () => {
    const writing = Array.from({ length: 40 }, (_, n) => a.asClient(`insert into app.t values (${100 + n})`));
    await b.database.clone({ ...step(60_000), from: a.source, systemId });
    await Promise.all(writing);
    expect(await b.view()).toMatchObject({ kind: 'stopped', systemId, wasPrimary: false, generation: 2 });
    await b.database.start({ ...step(), source: a.source });
    await streams(b);
    await a.asClient('insert into app.t values (2)');
    await until('the row is there', async () => ((await ids(b)).includes(2) ? true : undefined));
    expect(await ids(b)).toEqual(await ids(a));
    expect(b.database.positions.compare((await b.running()).position, (await a.running()).position)).toBe('equal');
    expect(await refusal(b.asClient('insert into app.t values (3)'))).toBe(READ_ONLY);
    expect((await a.running()).replicas).toMatchObject([{ name: 'b' }]);
  });

  test('a source of another cluster is not copied', async () => {
    const c = await lab.member('c');
    expect(await failure(c.database.clone({ ...step(), from: a.source, systemId: '0123456789abcdef' }))).toMatchObject({
      code: 'other-cluster',
    });
    expect(await c.view()).toEqual({ kind: 'empty' });
  });

  test('a hand-over loses nothing, and the former primary follows without a copy', async () => {
    let last = 0;
    const write = async (id: number): Promise<void> => {
      await a.asClient(`insert into app.t values (${id})`);
      last = id;
      return write(id + 1);
    };
    // Ends with the server.
    const writer = write(1_000).catch(() => undefined);
    await until('the writer is at work', async () => (last > 0 ? true : undefined));
    const { finalPosition } = await a.database.stop(step());
    await writer;
    expect(finalPosition).toBeDefined();
    const { positions } = b.database;
    await until('b has everything', async () =>
      positions.compare((await b.running()).position, finalPosition!) === 'equal' ? true : undefined,
    );
    expect(await a.view()).toMatchObject({ kind: 'stopped', cleanly: true, wasPrimary: true, position: finalPosition });
    expect(await a.view()).not.toHaveProperty('pristine');
    await b.database.promote({ ...step(), generation: 3 });
    expect((await ids(b)).at(-1)).toBeGreaterThanOrEqual(last);
    await a.database.start({ ...step(), source: b.source });
    await streams(a);
    await b.asClient('insert into app.t values (4)');
    await until('the row is there', async () => ((await ids(a)).includes(4) ? true : undefined));
    expect(await ids(a)).toEqual(await ids(b));
  });

  test('a crashed primary comes back read-only with everything that it acknowledged', async () => {
    await b.asClient('insert into app.t values (5)');
    await crash(b);
    expect(await b.view()).toMatchObject({ kind: 'stopped', cleanly: false, wasPrimary: true, position: undefined });
    await b.database.start({ ...step(), source: undefined });
    expect(await b.running()).toMatchObject({ role: 'replica', writable: false, generation: 3 });
    expect(await ids(b)).toContain(5);
    expect(await refusal(b.asClient('insert into app.t values (6)'))).toBe(READ_ONLY);
    expect(await failure(b.database.promote({ ...step(), generation: 3 }))).toMatchObject({ code: 'refused' });
    await b.database.promote({ ...step(), generation: 4 });
    await b.asClient('insert into app.t values (6)');
    await until('a goes on following', async () => ((await ids(a)).includes(6) ? true : undefined));
  });

  test('a fence ends everything, and what is started afterwards is no primary', async () => {
    await b.database.fence(step(5_000));
    expect(processes.within(b.options.dataDir)).toEqual([]);
    const other = await b.again();
    await other.start({ ...step(), source: undefined });
    expect(await other.observe(step())).toMatchObject({ kind: 'running', role: 'replica', writable: false });
    await other.promote({ ...step(), generation: 5 });
    expect(await b.running()).toMatchObject({ role: 'primary', generation: 5 });
  });

  test('transactions that the leader lacks are never replicated over: they are listed, kept, and copied away', async () => {
    await streams(a);
    await a.database.follow({ ...step(), source: undefined });
    await b.asClient('insert into app.t values (7777)');
    await crash(b);
    // b comes back only after a leads: what b wrote last is in no other log.
    await a.database.promote({ ...step(), generation: 6 });
    await a.asClient('insert into app.t values (8)');
    await b.database.start({ ...step(), source: a.source });
    const seen = await b.running();
    expect(seen).toMatchObject({ role: 'replica', source: undefined, streaming: false });
    expect(b.lines.at(-1)?.text).toMatch(/its log lacks transactions that this member has/);
    const { positions } = b.database;
    expect(positions.compare(seen.position, (await a.running()).position)).toBe('diverged');
    expect(await failure(b.database.follow({ ...step(), source: a.source }))).toMatchObject({ code: 'refused' });
    await b.database.stop(step());
    await b.database.clone({ ...step(60_000), from: a.source, systemId });
    const folder = readdirSync(`${b.options.stateDir}/${engine}`).find((name) => name.startsWith('lost-'));
    const listed = readFileSync(`${b.options.stateDir}/${engine}/${folder}/transactions.txt`, 'utf8');
    expect(listed).toContain('@1=7777');
    expect(listed).not.toContain('@1=1000\n');
    await b.database.start({ ...step(), source: a.source });
    await streams(b);
    await until('both are alike', async () =>
      JSON.stringify(await ids(a)) === JSON.stringify(await ids(b)) ? true : undefined,
    );
    expect(await ids(b)).not.toContain(7777);
  });

  test('a stop ends sessions that hold locks or transactions open', async () => {
    const holding = a.asClient('select sleep(60) from app.t where id = 1 for update', 70_000).catch(() => undefined);
    await until('the session holds its lock', async () =>
      (await a.sql(`select 1 from information_schema.processlist where info like 'select sleep%'`)).length > 0
        ? true
        : undefined,
    );
    const { finalPosition } = await a.database.stop(step(10_000));
    await holding;
    expect(finalPosition).toBeDefined();
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 7 });
    await until('b is there again', async () => ((await b.running()).streaming ? true : undefined), 30_000);
  });

  test('a promotion applies what was received, and fails where it cannot be applied', async () => {
    await b.sql(engine === 'mariadb' ? 'stop slave sql_thread' : 'stop replica sql_thread');
    await a.asClient('insert into app.t values (9)');
    await until('b has received it', async () => {
      const { replay } = await b.running();
      return replay?.received !== undefined &&
        b.database.positions.compare(replay.received, (await a.running()).position) === 'equal'
        ? true
        : undefined;
    });
    expect(await b.running()).toMatchObject({ streaming: false, replay: { paused: true } });
    // A row that the applier will stumble over.
    await b.sql('set global read_only = 0');
    await b.sql('insert into app.t values (9)');
    await b.sql('set global read_only = 1');
    const error = await failure(b.database.promote({ ...step(20_000), generation: 8 }));
    expect(error).toBeInstanceOf(StepError);
    expect(String(error)).toMatch(engine === 'mariadb' ? /somebody wrote on it while/ : /the applier stopped/);
    if (engine === 'mariadb') expect((await b.running()).unfit).toMatch(/somebody wrote on it/);
    expect(await b.running()).toMatchObject({ role: 'replica', writable: false });
  });

  test('parameters are set at once where the server can, and wait for a restart where it cannot', async () => {
    const configure = (parameters: Readonly<Record<string, string>>): Promise<void> =>
      a.database.configure({
        ...step(),
        parameters,
        accessRules: [],
        memberHosts: ['127.0.0.1'],
        instance: 'abcdef123456' as never,
      });
    await configure({
      max_connections: '77',
      table_open_cache_instances: '2',
      no_such_thing: '1',
      read_only: '0',
      plugin_load_add: 'x',
    });
    expect((await a.sql('select @@max_connections as n'))[0]).toEqual({ n: '77' });
    await until('the restart is asked for', async () =>
      (await a.running()).pendingRestart.includes('table_open_cache_instances') ? true : undefined,
    );
    expect((await a.running()).pendingRestart).toEqual(['table_open_cache_instances']);
    const told = a.lines.filter(({ event }) => event === 'database.parameter_refused').map(({ text }) => text);
    expect(told.join('\n')).toMatch(/no_such_thing[^]*|read_only is set by the agent itself/);
    await a.database.stop(step());
    await a.database.start({ ...step(), source: undefined });
    expect((await a.sql('select @@table_open_cache_instances as n'))[0]).toEqual({ n: '2' });
    await until('nothing waits any more', async () =>
      (await a.running()).pendingRestart.length === 0 ? true : undefined,
    );
    await a.database.promote({ ...step(), generation: 9 });
  });

  test('a server that is held, or one that accepts and never answers, blocks nothing', async () => {
    for (const each of processes.within(a.options.dataDir)) processes.signal(each, 'SIGSTOP');
    const begun = performance.now();
    expect(await a.database.observe(step(500))).toMatchObject({ kind: 'unresponsive' });
    expect(performance.now() - begun).toBeLessThan(1_500);
    for (const each of processes.within(a.options.dataDir)) processes.signal(each, 'SIGCONT');
    await until('it answers again', async () => ((await a.view()).kind === 'running' ? true : undefined));
    const mute = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const from = { ...a.source, port };
    expect(await failure(b.database.clone({ ...step(1_000), from, systemId }))).toMatchObject({ code: 'timed-out' });
    mute.close();
  });

  test('a member that was interrupted while it copied is no database', async () => {
    const c = await lab.member('d');
    const aborted = new AbortController();
    const copying = failure(
      c.database.clone({ signal: aborted.signal, timeout: step().timeout, from: a.source, systemId }),
    );
    await until('the copy has begun', async () => ((await c.view()).kind === 'incomplete' ? true : undefined));
    aborted.abort(new Error('enough'));
    expect(String(await copying)).toMatch(/enough/);
    expect(await c.view()).toEqual({ kind: 'incomplete', step: 'clone' });
    expect(await failure(c.database.start({ ...step(), source: undefined }))).toMatchObject({ code: 'refused' });
    await c.database.clone({ ...step(60_000), from: a.source, systemId });
    expect(await c.view()).toMatchObject({ kind: 'stopped', systemId });
  });
});

test('bootstrap is one step after another, each of which can be repeated', async () => {
  const lab = await createLab(ENGINE);
  try {
    const a = await lab.member('again');
    const systemId = await bootstrap(a);
    expect(await failure(a.database.initialize(step()))).toMatchObject({ code: 'refused' });
    await a.database.start({ ...step(), source: undefined });
    expect(await a.running()).toMatchObject({ systemId, role: 'primary' });
    await a.database.stop(step());
    expect(await a.database.stop(step())).toEqual({ finalPosition: undefined });
  } finally {
    await lab.close();
  }
});
