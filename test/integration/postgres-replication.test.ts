import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ms, parseInstanceId, type InstanceId } from '../../src/core/brand.ts';
import { StepError } from '../../src/core/errors.ts';
import { openSession } from '../../src/adapters/postgres/session.ts';
import { clock, createLab, processes, step, until, type Lab, type TestMember } from '../support/postgres.ts';

const instance = parseInstanceId('inst1') as InstanceId;
const config = { parameters: {}, accessRules: [], memberHosts: ['127.0.0.1'], instance };
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof StepError ? error.code : String(error)),
  );

const streaming = (member: TestMember) =>
  until(`${member.options.name} streams`, async () => {
    const view = await member.running();
    return view.streaming ? view : undefined;
  });

const caughtUp = (member: TestMember, with_: TestMember) =>
  until(`${member.options.name} has what ${with_.options.name} has`, async () => {
    const theirs = (await with_.running()).position;
    const ours = (await member.running()).replay?.applied;
    return ours !== undefined && ['equal', 'ahead'].includes(member.database.positions.compare(ours, theirs))
      ? true
      : undefined;
  });

const count = async (member: TestMember): Promise<number> =>
  Number((await member.sql('select count(*) as n from t'))[0]?.['n']);

describe('PostgreSQL servers that replicate', () => {
  let lab: Lab;
  let a: TestMember;
  let b: TestMember;
  let systemId: string;

  beforeAll(async () => {
    lab = await createLab();
    [a, b] = [await lab.member('a'), await lab.member('b-2_x')];
    ({ systemId } = await a.database.initialize(step()));
    for (const member of [a, b]) await member.database.configure({ ...step(), ...config });
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 2 });
    await a.sql('create table t (n int)');
    await b.database.clone({ ...step(), from: a.source, systemId });
    await b.database.start({ ...step(), source: a.source });
    await streaming(b);
  });
  afterAll(() => lab.close());

  it('a clone says where it begins before it ever ran, and streams under member~instance', async () => {
    expect(await a.running()).toMatchObject({ replicas: [{ name: 'b-2_x~inst1', state: 'streaming' }] });
    expect(await b.running()).toMatchObject({ role: 'replica', generation: 2, source: a.source, writable: false });
    const info = (await b.sql('select conninfo from pg_stat_wal_receiver'))[0]?.['conninfo'];
    expect(info).not.toContain(a.options.credentials.replication.password);
  });

  it('a wrong password, another cluster and a source that is away leave the member untouched', async () => {
    const c = await lab.member('c', {
      credentials: { ...a.options.credentials, replication: { username: 'replicator', password: 'wrong' } },
    });
    expect(await codeOf(c.database.clone({ ...step(), from: a.source, systemId }))).toBe('wrong-password');
    const d = await lab.member('d');
    expect(await codeOf(d.database.clone({ ...step(), from: a.source, systemId: '42' }))).toBe('other-cluster');
    const nowhere = { ...a.source, port: 1 };
    expect(await codeOf(d.database.clone({ ...step(), from: nowhere, systemId }))).toBe('failed');
    expect((await c.database.observe(step())).kind).toBe('empty');
    expect((await d.database.observe(step())).kind).toBe('empty');
  });

  it('an interrupted clone is no database, and the next one ends what it left running', async () => {
    const e = await lab.member('e');
    const child = spawnStep('clone', e, { from: a.source, systemId, slow: true });
    await until(
      'half a copy',
      async () => (existsSync(join(`${e.options.dataDir}.new`, 'base')) ? true : undefined),
      60_000,
    );
    child.kill('SIGKILL');
    await ended(child);
    expect(await e.database.observe(step())).toEqual({ kind: 'incomplete', step: 'clone' });
    expect(await codeOf(e.database.start({ ...step(), source: a.source }))).toBe('refused');
    await e.database.clone({ ...step(), from: a.source, systemId });
    expect(processes.within(join(e.options.stateDir, 'postgres', 'work'))).toEqual([]);
    expect(await e.database.observe(step())).toMatchObject({ kind: 'stopped', wasPrimary: false, generation: 2 });
    await e.database.configure({ ...step(), ...config });
    await e.database.start({ ...step(), source: a.source });
    expect(await codeOf(e.database.clone({ ...step(), from: a.source, systemId }))).toBe('refused');
    await e.database.fence(step());
  });

  it('keeps a slot for each member on both sides and moves the copies on', async () => {
    const members = [a.options.name, b.options.name];
    const plan = { members, retention: ms(0), permanent: { keepme: { type: 'physical' as const } } };
    await a.sql(`select pg_create_physical_replication_slot('foreign_one', true)`);
    await a.sql(`select pg_create_physical_replication_slot('haagent_gone', true)`);
    await until('slots of members that are gone are dropped', async () => {
      await a.database.keepSlots({ ...step(), ...plan, positions: {} });
      const { slots } = await a.running();
      return 'gone' in slots || 'e' in slots ? undefined : true;
    });
    await b.database.keepSlots({ ...step(), ...plan, positions: {} });
    const before = (await b.running()).slots['a'];
    await a.sql('insert into t select generate_series(1, 20000)');
    await a.sql('select pg_switch_wal()');
    await caughtUp(b, a);
    const leader = await a.running();
    expect(Object.keys(leader.slots).toSorted()).toEqual(['b-2_x', 'slot:foreign_one', 'slot:keepme']);
    await b.database.keepSlots({ ...step(), ...plan, positions: { a: 'FF/0' } });
    const moved = (await b.running()).slots['a'];
    expect(moved).not.toBe(before);
    expect(Object.keys((await b.running()).slots)).toEqual(['a']);
    await a.sql(`select pg_drop_replication_slot('foreign_one'), pg_drop_replication_slot('keepme')`);
  });

  it('a session that blocks replay is found, does not keep a replica from letting go of its source, and is ended', async () => {
    await a.sql('insert into t select generate_series(1, 20000)');
    await caughtUp(b, a);
    await b.sql(`alter system set max_standby_streaming_delay = -1`);
    await b.sql('select pg_reload_conf()');
    const account = b.options.credentials.superuser;
    const reader = await openSession(
      clock,
      {
        host: b.options.socketDir,
        port: b.options.port,
        account,
        applicationName: 'reader',
        settings: { search_path: 'public' },
      },
      step(),
    );
    await reader.rows(step(), 'begin isolation level repeatable read');
    await reader.rows(step(), 'select count(*) from t');
    await a.sql('delete from t where n > 100');
    await a.sql('vacuum t');
    await until('the blocker', async () => ((await b.running()).replay?.blockers === 1 ? true : undefined));
    const before = await b.running();
    await b.database.follow({ ...step(), source: undefined });
    const view = await b.running();
    expect(view).toMatchObject({ streaming: false, source: undefined });
    expect(await b.sql(`select 1 from pg_stat_activity where backend_type = 'walreceiver'`)).toEqual([]);
    expect(['equal', 'ahead']).toContain(b.database.positions.compare(view.position, before.position));
    expect(view.generation).toBe(2);
    await until('the reader was ended', async () => (reader.lost() ? true : undefined));
    await b.database.follow({ ...step(), source: a.source });
    await streaming(b);
    const second = await openSession(
      clock,
      {
        host: b.options.socketDir,
        port: b.options.port,
        account,
        applicationName: 'reader',
        settings: { search_path: 'public' },
      },
      step(),
    );
    await second.rows(step(), 'begin isolation level repeatable read');
    await second.rows(step(), 'select count(*) from t');
    await a.sql('delete from t where n > 50');
    await a.sql('vacuum t');
    await until('the blocker', async () => ((await b.running()).replay?.blockers === 1 ? true : undefined));
    expect(await b.database.endBlockers(step())).toBe(1);
    await caughtUp(b, a);
    expect((await b.running()).replay?.blockers).toBe(0);
    second.close();
  });

  it('ends a session whose lock keeps replay waiting', async () => {
    await a.sql('create table held as select 1 as n');
    await caughtUp(b, a);
    const account = b.options.credentials.superuser;
    const address = { host: b.options.socketDir, port: b.options.port };
    const holder = await openSession(
      clock,
      { ...address, account, applicationName: 'holder', settings: { search_path: 'public' } },
      step(),
    );
    await holder.rows(step(), 'begin');
    await holder.rows(step(), 'select count(*) from held');
    await a.sql('drop table held');
    await until('the blocker', async () => ((await b.running()).replay?.blockers === 1 ? true : undefined));
    expect(await b.database.endBlockers(step())).toBe(1);
    await caughtUp(b, a);
    holder.close();
  });

  it('switches over without a rewind, over a skipped timeline number', async () => {
    const rows = await count(a);
    await a.database.checkpoint(step());
    const { finalPosition } = await a.database.stop(step());
    await until('b has the final position', async () =>
      ['equal', 'ahead'].includes(b.database.positions.compare((await b.running()).position, finalPosition!))
        ? true
        : undefined,
    );
    const begun = clock.now().mono;
    await b.database.promote({ ...step(), generation: 5 });
    expect(clock.now().mono - begun).toBeLessThan(2_000);
    expect(await b.running()).toMatchObject({ role: 'primary', generation: 5 });
    const stopped = await a.database.observe(step());
    expect(stopped).toMatchObject({ kind: 'stopped', cleanly: true, wasPrimary: true });
    expect(a.database.positions.compare(finalPosition!, (await b.running()).position)).toBe('behind');
    await a.database.start({ ...step(), source: b.source });
    await streaming(a);
    await b.sql('insert into t values (7)');
    await caughtUp(a, b);
    expect(await a.running()).toMatchObject({ role: 'replica', generation: 5 });
    expect(await count(a)).toBe(rows + 1);
    expect(existsSync(join(a.options.dataDir, 'pg_wal', '00000004.history'))).toBe(true);
  });

  it('rewinds an old primary that went on alone, keeps what it loses, and lets it follow', async () => {
    await caughtUp(a, b);
    await b.database.checkpoint(step());
    await a.database.follow({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 6 });
    await b.sql(`insert into t select generate_series(1, 100)`);
    await b.sql(`create table lost as select generate_series(1, 5000)`);
    await b.database.fence(step());
    const before = await b.database.observe(step());
    expect(before).toMatchObject({ kind: 'stopped', cleanly: false, wasPrimary: true });
    await a.database.checkpoint(step());
    await b.database.rewind({ ...step(), from: a.source });
    expect(await b.database.observe(step())).toMatchObject({ kind: 'stopped', wasPrimary: false, cleanly: true });
    const own = join(b.options.stateDir, 'postgres');
    const kept = readdirSync(own).find((each) => each.startsWith('lost-'));
    const transactions = readFileSync(join(own, kept!, 'transactions.txt'), 'utf8');
    expect(transactions.match(/COMMIT/g)?.length).toBeGreaterThanOrEqual(2);
    const told = JSON.parse(readFileSync(join(own, kept!, 'lost.json'), 'utf8'));
    const commits = told.transactions.filter((each: { outcome: string }) => each.outcome === 'commit');
    expect(commits.length).toBeGreaterThanOrEqual(2);
    for (const each of commits) expect(Math.abs(Date.parse(each.at) - Date.now())).toBeLessThan(600_000);
    expect(b.lines.some((line) => line.event === 'database.tail_dropped')).toBe(true);
    await b.database.start({ ...step(), source: a.source });
    await streaming(b);
    const dropped = await until('what was dropped is told', async () => (await b.running()).dropped);
    expect(dropped).toMatchObject({ folder: join(own, kept!), generation: 5, commits: commits.length });
    expect(dropped.bytes).toBeGreaterThan(5_000);
    await caughtUp(b, a);
    expect(await b.sql(`select to_regclass('lost') as lost`)).toEqual([{ lost: null }]);
    expect(await count(b)).toBe(await count(a));
    expect(await b.running()).toMatchObject({ generation: 6, role: 'replica' });
  });

  it('a rewind that cannot work leaves the data as it was, an interrupted one is no database', async () => {
    await b.database.stop(step());
    const z = await lab.member('z');
    await z.database.initialize(step());
    await z.database.configure({ ...step(), ...config });
    await z.database.start({ ...step(), source: undefined });
    await z.database.promote({ ...step(), generation: 2 });
    expect(await codeOf(b.database.rewind({ ...step(), from: { ...z.source } }))).toMatch(
      /other-cluster|wrong-password/,
    );
    expect(await codeOf(b.database.rewind({ ...step(5_000), from: { ...a.source, port: 1 } }))).toBe('failed');
    expect(await b.database.observe(step())).toMatchObject({ kind: 'stopped', cleanly: true });
    await z.database.fence(step());

    await b.database.start({ ...step(), source: a.source });
    await b.database.follow({ ...step(), source: undefined });
    await b.database.promote({ ...step(), generation: 8 });
    await b.sql('create table wide as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 20000) n');
    await b.database.stop(step());
    const child = spawnStep('rewind', b, { from: a.source, systemId, slow: true });
    const work = join(b.options.stateDir, 'postgres', 'work');
    await until(
      'the marker, and the program that rewinds',
      async () =>
        existsSync(join(b.options.stateDir, 'postgres', 'incomplete.json')) && processes.within(work).length > 0
          ? true
          : undefined,
      30_000,
    );
    child.kill('SIGKILL');
    await ended(child);
    expect(await b.database.observe(step())).toEqual({ kind: 'incomplete', step: 'rewind' });
    expect(processes.within(work)).not.toEqual([]);
    expect(await codeOf(b.database.rewind({ ...step(), from: a.source }))).toBe('cannot-rewind');
    await until(
      'what it left running is ended',
      async () => (processes.within(work).length === 0 ? true : undefined),
      5_000,
    );
    await b.database.clone({ ...step(), from: a.source, systemId });
    await b.database.start({ ...step(), source: a.source });
    await streaming(b);
  });

  it('a server that was promoted behind its agent and killed before a checkpoint is cloned where pg_rewind sees no fork', async () => {
    await caughtUp(b, a);
    const [checkpointer] = await b.sql(`select pid from pg_stat_activity where backend_type = 'checkpointer'`);
    process.kill(Number(checkpointer?.['pid']), 'SIGSTOP');
    await b.sql('select pg_promote()');
    await b.sql('insert into t select generate_series(1, 10)');
    await b.database.fence(step());
    await a.sql('insert into t select generate_series(1, 100)');
    const [version] = await a.sql(`select current_setting('server_version_num')::int / 10000 as major`);
    const rewound = codeOf(b.database.rewind({ ...step(), from: a.source }));
    if (Number(version?.['major']) < 16) {
      expect(await rewound).toBe('cannot-rewind');
      await b.database.clone({ ...step(), from: a.source, systemId });
    }
    await rewound;
    await b.database.start({ ...step(), source: a.source });
    await streaming(b);
    await caughtUp(b, a);
    expect(await count(b)).toBe(await count(a));
  });

  it('a hung replica does not hold a stop up for longer than a share of its time', async () => {
    const tree = processes.within(b.options.dataDir);
    for (const each of tree) processes.signal(each, 'SIGSTOP');
    const begun = clock.now().mono;
    await a.database.stop(step(6_000));
    expect(clock.now().mono - begun).toBeLessThan(5_000);
    for (const each of tree) processes.signal(each, 'SIGCONT');
    expect(await a.database.observe(step())).toMatchObject({ kind: 'stopped', cleanly: true });
  });
});

/** Another process that drives the same member, to be killed in the middle. */
const spawnStep = (
  what: 'clone' | 'rewind',
  member: TestMember,
  order: { from: unknown; systemId: string; slow: boolean },
): ChildProcess => {
  const { processes: _p, clock: _c, log: _l, ...plain } = member.options;
  const support = new URL('../support/postgres-step.ts', import.meta.url).pathname;
  return spawn(process.execPath, [support], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, STEP: JSON.stringify({ what, options: plain, ...order }) },
  });
};

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
