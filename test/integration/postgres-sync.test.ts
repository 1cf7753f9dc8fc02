import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ms, revision, termOf } from '../../src/core/brand.ts';
import type { Acknowledgement } from '../../src/core/database.ts';
import { clock, processes, step, until } from '../support/postgres.ts';
import {
  checkpointerOf,
  client,
  codeOf,
  commit,
  createCluster,
  senderTo,
  shownNames,
  streaming,
  syncConfig,
  voter,
  waiters,
  whileStopped,
  type TestCluster,
} from '../support/postgres-cluster.ts';

const NOTHING: Acknowledgement = { voters: [], acks: 0 };

describe('what a primary demands of its commits', () => {
  let cluster: TestCluster;
  let a: TestCluster['members']['a'];
  let b: TestCluster['members']['b'];
  let c: TestCluster['members']['c'];

  const demand = (from: Acknowledgement | undefined, wanted: Acknowledgement, timeout = 10_000) =>
    a.database.acknowledge({ ...step(timeout), from, wanted });
  const one = (): Acknowledgement => ({ voters: [voter(b), voter(c)], acks: 1 });
  const both = (): Acknowledgement => ({ voters: [voter(b), voter(c)], acks: 2 });
  const onlyB = (): Acknowledgement => ({ voters: [voter(b)], acks: 1 });
  const onlyC = (): Acknowledgement => ({ voters: [voter(c)], acks: 1 });
  const nobody = (): Acknowledgement => ({ voters: ['gone~inst0'], acks: 1 });

  beforeAll(async () => {
    cluster = await createCluster();
    ({ a, b, c } = cluster.members);
  });
  afterAll(() => cluster.close());

  it('goes from nothing to one of two voters, to both, to one voter and to nothing, each at once', async () => {
    const steps = [NOTHING, one(), both(), onlyB(), NOTHING];
    for (const [at, wanted] of steps.slice(1).entries()) {
      const begun = clock.now().mono;
      await demand(steps[at], wanted);
      expect(clock.now().mono - begun).toBeLessThan(3_000);
      expect((await a.running()).acknowledgement).toEqual(wanted);
      expect(await commit(a, 3_000)).toBe('acknowledged');
      await a.database.barrier({ ...step(), term: termOf(revision(7n)) });
    }
    expect(await waiters(a)).toBe(0);
  });

  it('is not said to be in force while the checkpointer has not switched waiting on', async () => {
    await demand(undefined, NOTHING);
    const checkpointer = await checkpointerOf(a);
    await whileStopped(checkpointer, async () => {
      expect(await codeOf(demand(NOTHING, nobody(), 1_500))).toBe('timed-out');
      // What a session is shown is no proof: it shows the demand, and the commit ends although nobody can acknowledge it.
      expect(await shownNames(a)).toContain('~nobody');
      expect(await commit(a)).toBe('acknowledged');
    });
    await demand(undefined, nobody());
    expect(await commit(a)).toBe('waits');
  });

  it('is not said to be gone while the checkpointer may still switch it off', async () => {
    const checkpointer = await checkpointerOf(a);
    await whileStopped(checkpointer, async () => {
      expect(await codeOf(demand(nobody(), NOTHING, 1_000))).toBe('timed-out');
      // Waiting is still on, so commits are seen waiting; but the checkpointer is about to switch it off once more.
      expect(await codeOf(demand(undefined, nobody(), 1_500))).toBe('timed-out');
    });
    await demand(undefined, NOTHING);
    expect(await commit(a)).toBe('acknowledged');
  });

  it('is not said to be raised while the sender to a voter counts by the old number', async () => {
    await demand(NOTHING, onlyC());
    const sender = await senderTo(a, c);
    await whileStopped(sender, async () => {
      expect(await codeOf(demand(onlyC(), both(), 1_200))).toBe('timed-out');
      expect(await codeOf(demand(undefined, both(), 1_200))).toBe('timed-out');
    });
    await streaming(c);
    await demand(undefined, both());
    expect(await commit(a, 3_000)).toBe('acknowledged');
  });

  it('is not said to be without a voter while the sender to it may still count it', async () => {
    await demand(undefined, both());
    const sender = await senderTo(a, c);
    await whileStopped(sender, async () => {
      expect(await codeOf(demand(both(), onlyB(), 1_200))).toBe('timed-out');
    });
    await streaming(c);
    await demand(both(), onlyB());
    expect(await commit(a, 3_000)).toBe('acknowledged');
  });

  it('is weakened without asking anyone, since whoever has not followed only asks for more', async () => {
    await demand(undefined, both());
    await streaming(c);
    const sender = await senderTo(a, c);
    await whileStopped(sender, async () => {
      const waiting = commit(a, 5_000);
      await until('the commit waits for both', async () => ((await waiters(a)) > 0 ? true : undefined));
      await demand(both(), one(), 3_000);
      expect(await waiters(a)).toBe(0);
      expect(await waiting).toBe('acknowledged');
    });
    await streaming(c);
  });

  it('is taken up again by another agent where the first was ended in the middle', async () => {
    await demand(undefined, NOTHING);
    const sender = await senderTo(a, c);
    const gone = new AbortController();
    await whileStopped(sender, async () => {
      const first = a.database.acknowledge({ signal: gone.signal, timeout: ms(20_000), from: NOTHING, wanted: both() });
      first.catch(() => undefined);
      await until('it is half done', async () => ((await shownNames(a)).startsWith('FIRST 2') ? true : undefined));
      gone.abort(new Error('the agent ends'));
      await expect(first).rejects.toThrow('the agent ends');
    });
    const other = await a.again();
    await streaming(c);
    await other.acknowledge({ ...step(), from: undefined, wanted: one() });
    expect(await shownNames(a)).toBe(`ANY 1 ("${voter(b)}", "${voter(c)}")`);
    expect(await commit(a, 3_000)).toBe('acknowledged');
    await until('no session is left waiting', async () => ((await waiters(a)) === 0 ? true : undefined));
  });

  it('beats what ALTER SYSTEM left, and is refused where something beats it', async () => {
    await a.sql(`alter system set synchronous_standby_names = 'ANY 1 (stale)'`);
    await a.sql('select pg_reload_conf()');
    await demand(undefined, onlyB());
    expect(await shownNames(a)).toBe(`ANY 1 ("${voter(b)}")`);
    expect(await readFile(join(a.options.dataDir, 'postgresql.auto.conf'), 'utf8')).not.toContain(
      'synchronous_standby_names',
    );
    for (const wanted of [
      { voters: [voter(b)], acks: 2 },
      { voters: [`b"~inst1`], acks: 1 },
    ])
      expect(await codeOf(demand(onlyB(), wanted))).toBe('refused');
    expect(await shownNames(a)).toBe(`ANY 1 ("${voter(b)}")`);
  });

  it('without its voters blocks commits, which is seen, and is not taken for a database that does not answer', async () => {
    await demand(undefined, nobody());
    const session = await client(a);
    const waiting = session.rows(step(30_000), 'insert into t values (2)');
    const outcome = waiting.then(
      () => 'acknowledged',
      (error: Error) => error.message,
    );
    await until('it is seen waiting', async () => ((await a.running()).waitingCommits === 1 ? true : undefined));
    expect(await codeOf(a.database.barrier({ ...step(500), term: termOf(revision(9n)) }))).toBe('timed-out');
    for (let round = 0; round < 3; round += 1) {
      const view = await a.running();
      expect(view).toMatchObject({ role: 'primary', writable: true, acknowledgement: nobody() });
      await clock.sleep(ms(100), { signal: new AbortController().signal });
    }
    const begun = clock.now().mono;
    await demand(nobody(), NOTHING);
    expect(await outcome).toBe('acknowledged');
    expect(clock.now().mono - begun).toBeLessThan(3_000);
    session.close();
  });

  it('is watched for what gets around it: weak levels, cancelled waits, prepared transactions', async () => {
    const weaker = { parameters: { synchronous_commit: 'local', max_prepared_transactions: '5' } };
    await a.database.configure({ ...step(), ...syncConfig(a, weaker) });
    expect(a.lines.some((line) => line.text.includes(`under 'local' a commit is not safe`))).toBe(true);
    await until('strict keeps the level', async () =>
      (await a.sql('show synchronous_commit'))[0]?.['synchronous_commit'] === 'on' ? true : undefined,
    );
    await a.sql(`create role weakling; alter role weakling set synchronous_commit = 'remote_write'`);
    await demand(undefined, nobody());
    const before = await until('weak acknowledgements are counted', async () => (await a.running()).weakAcks);
    const session = await client(a);
    const waiting = session.rows(step(10_000), 'insert into t values (3)');
    await until('it waits', async () => ((await waiters(a)) > 0 ? true : undefined));
    await a.sql(`select pg_cancel_backend(${session.backend})`);
    await waiting;
    session.close();
    await demand(nobody(), NOTHING);
    await a.database.configure({ ...step(), ...syncConfig(a) });
    const view = await until('both are seen', async () => {
      const found = await a.running();
      return found.weakAcks === before + 1 && found.cautions?.length === 1 ? found : undefined;
    });
    expect(view.cautions).toEqual([
      expect.stringContaining('role weakling commit with synchronous_commit = remote_write'),
    ]);
    await a.sql('drop role weakling');
  });

  it('is neither given up nor acknowledged by a stop, and holds no stop up; the next start lets no commit end', async () => {
    await demand(undefined, nobody());
    const session = await client(a);
    const outcome = session.rows(step(30_000), 'insert into t values (42)').then(
      () => 'acknowledged',
      () => 'no answer',
    );
    await until('it waits', async () => ((await waiters(a)) > 0 ? true : undefined));
    const begun = clock.now().mono;
    await a.database.stop(step(10_000));
    expect(clock.now().mono - begun).toBeLessThan(5_000);
    expect(await outcome).toBe('no answer');
    const file = join(a.options.stateDir, 'postgres', 'haagent.conf');
    expect(await readFile(file, 'utf8')).toContain(`synchronous_standby_names = 'ANY 1 ("gone~inst0")'`);

    writeFileSync(join(a.options.dataDir, 'postgresql.auto.conf'), `synchronous_standby_names = '*'\n`);
    await a.database.start({ ...step(), source: undefined });
    expect(await shownNames(a)).toBe('ANY 1 ("~nobody")');
    await a.database.promote({ ...step(), generation: 3 });
    expect(await commit(a)).toBe('waits');
    expect(Number((await a.sql('select count(*) from t where n = 42'))[0]?.['count'])).toBe(1);
    await demand(undefined, NOTHING);
    expect(await commit(a)).toBe('acknowledged');
  });

  it('is in force from the first instant of a promotion', async () => {
    await a.database.stop(step());
    await a.database.start({ ...step(), source: undefined });
    const checkpointer = await checkpointerOf(a);
    // Waiting was switched on by the start, so that no promotion waits for a checkpointer that is busy.
    await whileStopped(checkpointer, async () => demand(undefined, onlyB(), 2_000));
    const session = await client(a);
    const writing = until('the database takes writes', async () => {
      const [row] = await session.rows(step(), 'select pg_is_in_recovery() as replica');
      return row?.['replica'] === 'f' ? true : undefined;
    }).then(() => session.rows(step(1_500), 'insert into t values (1)'));
    const outcome = codeOf(writing);
    await b.database.follow({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 4 });
    expect(await outcome).toBe('timed-out');
    session.close();
    for (const member of [b, c]) await member.database.follow({ ...step(), source: a.source });
    await demand(undefined, one());
    expect(await commit(a, 5_000)).toBe('acknowledged');
  });

  it('is in force after a promotion for the senders that served replicas of the replica, or it is not said to be', async () => {
    await b.database.follow({ ...step(), source: a.source });
    await c.database.follow({ ...step(), source: b.source });
    await streaming(c);
    const onlyA = { voters: [voter(a)], acks: 1 };
    const sender = await senderTo(b, c);
    await whileStopped(sender, async () => {
      expect(await codeOf(b.database.acknowledge({ ...step(1_500), from: undefined, wanted: onlyA }))).toBe(
        'timed-out',
      );
    });
    await streaming(c);
    await b.database.acknowledge({ ...step(), from: undefined, wanted: onlyC() });
    // One that has read it goes on, and counts from the promotion on.
    const kept = await senderTo(b, c);
    await b.database.acknowledge({ ...step(), from: undefined, wanted: onlyC() });
    await b.database.promote({ ...step(), generation: 5 });
    expect(await commit(b, 3_000)).toBe('acknowledged');
    expect((await senderTo(b, c)).pid).toBe(kept.pid);
    await b.database.acknowledge({ ...step(), from: onlyC(), wanted: onlyA });
    expect(await commit(b)).toBe('waits');
  });

  it('in asynchronous mode is nothing, also after a start, and a change of mode reaches a replica before it is promoted', async () => {
    const { synchronous: _, ...async } = syncConfig(a);
    await a.database.stop(step());
    await a.database.configure({ ...step(), ...async });
    await a.database.start({ ...step(), source: undefined });
    expect(await shownNames(a)).toBe('');
    const checkpointer = await checkpointerOf(a);
    await whileStopped(checkpointer, async () => {
      await a.database.configure({ ...step(), ...syncConfig(a) });
      expect(await codeOf(demand(undefined, nobody(), 1_000))).toBe('timed-out');
    });
    await demand(undefined, nobody());
    await a.database.promote({ ...step(), generation: 5 });
    expect(await commit(a)).toBe('waits');
  });

  it('is not acknowledged by a fence either', async () => {
    const session = await client(a);
    const outcome = codeOf(session.rows(step(30_000), 'insert into t values (43)'));
    await until('it waits', async () => ((await waiters(a)) > 0 ? true : undefined));
    await a.database.fence(step(2_000));
    expect(await outcome).not.toBe('done');
    expect(processes.within(a.options.dataDir)).toEqual([]);
  });

  it('does not change with the mode on a living primary, but when it is told to', async () => {
    const { synchronous: _, ...async } = syncConfig(a);
    await a.database.configure({ ...step(), ...async });
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 6 });
    await a.database.configure({ ...step(), ...syncConfig(a) });
    await until('it has reloaded', async () =>
      (await a.sql('show wal_receiver_timeout'))[0]?.['wal_receiver_timeout'] === '1500ms' ? true : undefined,
    );
    expect(await shownNames(a)).toBe('');
    expect(await commit(a)).toBe('acknowledged');
    await demand(NOTHING, nobody());
    expect(await commit(a)).toBe('waits');
  });
});
