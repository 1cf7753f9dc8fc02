import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseInstanceId, type InstanceId } from '../../src/core/brand.ts';
import { clock, processes, step, until, type TestMember } from '../support/postgres.ts';
import {
  client,
  codeOf,
  commit,
  createCluster,
  streaming,
  SUSPECT_AFTER,
  syncConfig,
  voter,
  whileStopped,
  type TestCluster,
} from '../support/postgres-cluster.ts';

const receivers = async (member: TestMember): Promise<number> =>
  (await member.sql(`select 1 from pg_stat_activity where backend_type = 'walreceiver'`)).length;

/** Keeps a snapshot open that the primary's cleaning then conflicts with, until replay waits for it. */
const blockReplay = async (replica: TestMember, primary: TestMember) => {
  await replica.sql(`alter system set max_standby_streaming_delay = -1`);
  await replica.sql('select pg_reload_conf()');
  await primary.sql('insert into t select generate_series(1, 1000)');
  await until('the rows are there', async () =>
    Number((await replica.sql('select count(*) from t'))[0]?.['count']) >= 1_000 ? true : undefined,
  );
  const reader = await client(replica);
  await reader.rows(step(), 'begin isolation level repeatable read');
  await reader.rows(step(), 'select count(*) from t');
  await primary.sql('delete from t');
  await primary.sql('vacuum t');
  await until('replay waits', async () => ((await replica.running()).replay?.blockers === 1 ? true : undefined));
  return reader;
};

describe('what a replica receives', () => {
  let cluster: TestCluster;
  let a: TestMember;
  let b: TestMember;
  let c: TestMember;

  const demandB = () => a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [voter(b)], acks: 1 } });
  const demandNothing = () => a.database.acknowledge({ ...step(), from: undefined, wanted: { voters: [], acks: 0 } });
  const atLeast = (member: TestMember, position: unknown, other: unknown) =>
    expect(['equal', 'ahead']).toContain(
      member.database.positions.compare(
        member.database.positions.parse(position)!,
        member.database.positions.parse(other)!,
      ),
    );

  beforeAll(async () => {
    cluster = await createCluster();
    ({ a, b, c } = cluster.members);
  });
  afterAll(() => cluster.close());

  it('it receives as member~instance, which a reload changes', async () => {
    const names = async () => (await a.running()).replicas.map((each) => each.name).toSorted();
    expect(await names()).toEqual([voter(b), voter(c)]);
    await c.database.configure({ ...step(), ...syncConfig(c), instance: parseInstanceId('other') as InstanceId });
    await until('the new name', async () => ((await names()).join() === `${voter(b)},c~other` ? true : undefined));
    await c.database.configure({ ...step(), ...syncConfig(c) });
    await until('the old name', async () => ((await names()).join() === `${voter(b)},${voter(c)}` ? true : undefined));
    await streaming(c);
  });

  it('a member whose name leaves no room for its instance is known by it all the same', async () => {
    const long = await cluster.lab.member(`${'long-name-'.repeat(6)}xyz`);
    await long.database.configure({
      ...step(),
      ...syncConfig(long),
      instance: parseInstanceId('instlong') as InstanceId,
    });
    await long.database.clone({ ...step(), from: a.source, systemId: cluster.systemId });
    await long.database.start({ ...step(), source: a.source });
    await streaming(long);
    await a.database.keepSlots({
      ...step(),
      members: [b.options.name, c.options.name, long.options.name],
      positions: {},
      retention: 60_000 as never,
      permanent: {},
    });
    const name = `${long.options.name}~instlong`;
    expect((await a.running()).replicas.map((each) => each.name)).toContain(name);
    const wanted = { voters: [name], acks: 1 };
    await a.database.acknowledge({ ...step(), from: undefined, wanted });
    expect((await a.running()).acknowledgement).toEqual(wanted);
    expect(await commit(a, 3_000)).toBe('acknowledged');
    await demandNothing();
    await long.database.fence(step());
  });

  it('both ends tell how far and how lately, also while nothing is written', async () => {
    const quiet = clock.now().mono;
    while (clock.now().mono - quiet < 2_500) {
      const { receiver } = await b.running();
      expect(receiver).toMatchObject({ state: 'streaming', endedAgoMs: undefined });
      expect(receiver!.heardAgoMs).toBeLessThan(SUSPECT_AFTER);
      const served = (await a.running()).replicas.find((each) => each.name === voter(b));
      expect(served!.heardAgoMs).toBeLessThan(2_000);
    }
    await a.sql('insert into t values (1)');
    const { position } = await a.running();
    await until('the replica has flushed it', async () => {
      const served = (await a.running()).replicas.find((each) => each.name === voter(b));
      const order = served?.flushed === undefined ? 'behind' : a.database.positions.compare(served.flushed, position);
      return order === 'equal' || order === 'ahead' ? true : undefined;
    });
  });

  it('the end of a stream is told at once at both ends, and since when', async () => {
    await b.running();
    await a.running();
    const told = (member: TestMember) =>
      new Promise<number>((resolve) => {
        const cancel = member.database.onEvent((event) => {
          if (event.kind !== 'changed') return;
          cancel();
          resolve(clock.now().mono);
        });
      });
    const both = Promise.all([told(a), told(b)]);
    const [row] = await a.sql(`select pid from pg_stat_replication where application_name = '${voter(b)}'`);
    const begun = clock.now().mono;
    await a.sql(`select pg_terminate_backend(${row?.['pid']})`);
    for (const at of await both) expect(at - begun).toBeLessThan(500);
    const { receiver } = await b.running();
    expect(receiver?.state).not.toBe('none');
    if (receiver?.state === 'connecting') expect(receiver.endedAgoMs).toBeLessThan(1_000);
    await streaming(b);
    expect((await b.running()).receiver?.endedAgoMs).toBeUndefined();
  });

  it('a source that says nothing is given up within the time of a suspicion', async () => {
    const tree = processes.within(a.options.dataDir);
    await b.running();
    const begun = clock.now().mono;
    for (const each of tree) processes.signal(each, 'SIGSTOP');
    try {
      const ended = await until('the stream has ended', async () => (await b.running()).receiver?.endedAgoMs, 5_000);
      expect(clock.now().mono - begun).toBeLessThan(SUSPECT_AFTER + 1_500);
      expect(ended).toBeLessThan(1_000);
    } finally {
      for (const each of tree) processes.signal(each, 'SIGCONT');
    }
    await streaming(b);
  });

  it('stops for good: nothing is acknowledged any more, no restart begins it again, and the position stays', async () => {
    await demandB();
    expect(await commit(a, 3_000)).toBe('acknowledged');
    const acknowledged = (await a.running()).position;
    const begun = clock.now().mono;
    const { position } = await b.database.stopReceiving(step());
    expect(clock.now().mono - begun).toBeLessThan(1_500);
    expect(await receivers(b)).toBe(0);
    expect(await commit(a)).toBe('waits');
    atLeast(b, position, acknowledged);
    const file = await readFile(join(b.options.stateDir, 'postgres', 'haagent.conf'), 'utf8');
    expect(file).toContain(`primary_conninfo = ''`);
    expect((await b.running()).receiver).toMatchObject({ state: 'none' });

    expect((await b.database.stopReceiving(step())).position).toEqual(position);
    await b.database.stop(step());
    await (await b.again()).start({ ...step(), source: undefined });
    expect((await b.running()).position).toEqual(position);
    expect((await b.database.stopReceiving(step())).position).toEqual(position);
    await b.database.follow({ ...step(), source: a.source });
    await streaming(b);
    await demandNothing();
  });

  it('stops within a moment although a session holds replay up, which a reload alone would not', async () => {
    await demandB();
    const reader = await blockReplay(b, a);
    expect(await commit(a, 3_000)).toBe('acknowledged');
    const acknowledged = (await a.running()).position;
    const begun = clock.now().mono;
    const { position } = await b.database.stopReceiving(step());
    expect(clock.now().mono - begun).toBeLessThan(1_500);
    expect(await commit(a)).toBe('waits');
    atLeast(b, position, acknowledged);
    expect(b.lines.some((line) => line.event === 'database.receiver_stuck')).toBe(false);
    expect(reader.lost()).toBe(true);
    await b.database.follow({ ...step(), source: a.source });
    await streaming(b);
    await demandNothing();
  });

  it('stops although replay does not move at all: the server is ended and comes back without a source', async () => {
    await demandB();
    expect(await commit(a, 3_000)).toBe('acknowledged');
    const acknowledged = (await a.running()).position;
    const [row] = await b.sql(`select pid from pg_stat_activity where backend_type = 'startup'`);
    const startup = processes.find(Number(row?.['pid']))!;
    const { position } = await whileStopped(startup, () => b.database.stopReceiving(step()));
    expect(b.lines.some((line) => line.event === 'database.receiver_stuck')).toBe(true);
    expect(await receivers(b)).toBe(0);
    expect(await commit(a)).toBe('waits');
    atLeast(b, position, acknowledged);
    await b.database.follow({ ...step(), source: a.source });
    await streaming(b);
    await demandNothing();
  });

  it('stops although replay was paused, with everything that was received', async () => {
    await demandB();
    await b.sql('select pg_wal_replay_pause()');
    expect(await commit(a, 3_000)).toBe('acknowledged');
    const acknowledged = (await a.running()).position;
    const { position } = await b.database.stopReceiving(step());
    atLeast(b, position, acknowledged);
    expect(await commit(a)).toBe('waits');
    await b.database.follow({ ...step(), source: a.source });
    await streaming(b);
    await demandNothing();
  });

  it('is no question for a primary or for a server that does not run', async () => {
    expect(await codeOf(a.database.stopReceiving(step()))).toBe('refused');
    await c.database.stop(step());
    expect(await codeOf(c.database.stopReceiving(step()))).toBe('refused');
    await c.database.start({ ...step(), source: a.source });
  });

  it('a voter lets no query hold its replay up for long; the others leave that to the operator', async () => {
    const shown = async (): Promise<unknown> =>
      (
        await c.sql(
          `select current_setting('max_standby_streaming_delay') as delay, current_setting('wal_receiver_timeout') as silence`,
        )
      )[0];
    expect(await shown()).toEqual({ delay: '750ms', silence: '1500ms' });
    const { synchronous } = syncConfig(c);
    await c.database.configure({ ...step(), ...syncConfig(c, { synchronous: { ...synchronous!, mayVote: false } }) });
    await until('the default delay', async () =>
      JSON.stringify(await shown()) === '{"delay":"30s","silence":"1500ms"}' ? true : undefined,
    );
  });

  it('one that hangs does not hold up the stop of its source', async () => {
    await streaming(c);
    const tree = processes.within(c.options.dataDir);
    for (const each of tree) processes.signal(each, 'SIGSTOP');
    try {
      await until('the source has not heard it', async () => {
        const served = (await a.running()).replicas.find((each) => each.name === voter(c));
        return (served?.heardAgoMs ?? 0) > 3_000 ? true : undefined;
      });
      const begun = clock.now().mono;
      await a.database.stop(step(20_000));
      expect(clock.now().mono - begun).toBeLessThan(4_000);
      expect(await a.database.observe(step())).toMatchObject({ kind: 'stopped', cleanly: true });
    } finally {
      for (const each of tree) processes.signal(each, 'SIGCONT');
    }
  });
});
