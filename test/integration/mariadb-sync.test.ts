import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errnoOf } from '../../src/adapters/mysql/session.ts';
import { parseInstanceId, revision, termOf } from '../../src/core/brand.ts';
import type { Acknowledgement } from '../../src/core/database.ts';
import type { DatabaseConfig } from '../../src/ports/database.ts';
import { ms } from '../../src/core/brand.ts';
import { createLab, ENGINE, processes, step, until, type Lab, type TestMember } from '../support/mysql.ts';

const NOTHING: Acknowledgement = { voters: [], acks: 0 };
const voter = (member: TestMember): string => `${member.options.name}~inst${member.options.name}`;
const config = (member: TestMember, strict = false): DatabaseConfig => {
  const instance = parseInstanceId(`inst${member.options.name}`);
  if (instance === undefined) throw new Error('no instance');
  return {
    parameters: {},
    accessRules: [],
    memberHosts: ['127.0.0.1'],
    instance,
    synchronous: { suspectAfter: ms(1_500), strict, mayVote: true },
  };
};
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );

describe(`what a ${ENGINE} primary demands of its commits`, () => {
  let lab: Lab;
  let a: TestMember;
  let b: TestMember;
  let c: TestMember;
  let next = 100;

  /** How a client's commit ends within a moment. */
  const commit = async (member = a, within = 700): Promise<'acknowledged' | 'waits' | number> => {
    const id = next++;
    return member.asClient(`insert into app.t values (${id})`, within).then(
      () => 'acknowledged' as const,
      (error: unknown) => errnoOf(error) ?? ('waits' as const),
    );
  };
  const demand = (wanted: Acknowledgement, from?: Acknowledgement, timeout = 5_000) =>
    a.database.acknowledge({ ...step(timeout), from, wanted });
  const one = (...members: readonly TestMember[]): Acknowledgement => ({ voters: members.map(voter), acks: 1 });
  const upkeep = (member: TestMember): Promise<void> =>
    member.database.keepSlots({ ...step(), members: [], positions: {}, retention: ms(1_000), permanent: {} });
  const barrier = (): Promise<void> => a.database.barrier({ ...step(3_000), term: termOf(revision(7n)) });
  const votes = async (): Promise<readonly string[]> =>
    (await a.running()).replicas
      .filter(({ sync }) => sync === 'voter')
      .map(({ name }) => name)
      .toSorted();
  const untilVotes = (...members: readonly TestMember[]): Promise<true> =>
    until(`the voters are ${members.map(voter).join()}`, async () =>
      (await votes()).join() === members.map(voter).join() ? true : undefined,
    );
  /** Commits that were given up keep their place in the server until they are acknowledged. */
  const noWaiters = (): Promise<true> =>
    until('no commit waits', async () => ((await a.running()).waitingCommits === 0 ? true : undefined));

  beforeAll(async () => {
    lab = await createLab(ENGINE);
    [a, b, c] = [await lab.member('a'), await lab.member('b'), await lab.member('c')];
    await a.database.configure({ ...step(), ...config(a) });
    await a.database.initialize(step());
    await a.database.start({ ...step(), source: undefined });
    await a.database.acknowledge({ ...step(), from: undefined, wanted: NOTHING });
    const systemId = await bootstrapRunning(a);
    for (const each of [b, c]) {
      await each.database.configure({ ...step(), ...config(each) });
      await each.database.clone({ ...step(60_000), from: a.source, systemId });
      await each.database.start({ ...step(), source: a.source });
    }
    for (const each of [b, c])
      await until('it streams', async () => ((await each.running()).streaming ? true : undefined));
  });
  afterAll(() => lab.close());

  const bootstrapRunning = async (member: TestMember): Promise<string> => {
    const view = await member.view();
    if (view.kind !== 'running') throw new Error('it does not run');
    await member.database.promote({ ...step(), generation: 2 });
    await member.sql(`create user 'client'@'%' identified by 'for-tests'`);
    await member.sql('create database app');
    await member.sql(`grant all on app.* to 'client'@'%'`);
    await member.sql('create table app.t (id int primary key) engine = InnoDB');
    return view.systemId;
  };

  it('is nothing where nothing was asked for, and nobody is a voter', async () => {
    expect(await commit()).toBe('acknowledged');
    expect(await votes()).toEqual([]);
    expect((await a.running()).acknowledgement).toEqual(NOTHING);
  });

  it('does not begin before a voter has connected as one, and then does at once', async () => {
    expect(await codeOf(demand(one(b), NOTHING, 2_000))).toBe('timed-out');
    expect(await commit()).toBe('acknowledged');
    await upkeep(b);
    await upkeep(c);
    await demand(one(b), NOTHING);
    expect((await a.running()).acknowledgement).toEqual(one(b));
    await untilVotes(b);
    expect(await commit(a, 3_000)).toBe('acknowledged');
    await barrier();
  });

  it('is not met by a replica that is no voter', async () => {
    await b.database.stopReceiving(step());
    expect((await c.running()).streaming).toBe(true);
    const waiting = commit(a, 15_000);
    await until('the commit waits', async () => ((await a.running()).waitingCommits > 0 ? true : undefined));
    expect(await codeOf(a.database.barrier({ ...step(700), term: termOf(revision(7n)) }))).not.toBe('done');
    await b.database.follow({ ...step(), source: a.source });
    expect(await waiting).toBe('acknowledged');
    await noWaiters();
  });

  it('takes the vote of one replica and gives it to another', async () => {
    await demand(one(b, c));
    await upkeep(c);
    await untilVotes(b, c);
    await demand(one(c), one(b, c));
    await untilVotes(c);
    await upkeep(b);
    await until('b streams', async () => ((await b.running()).streaming ? true : undefined));
    await c.database.stopReceiving(step());
    const waiting = commit(a, 15_000);
    await until('the commit waits', async () => ((await a.running()).waitingCommits > 0 ? true : undefined));
    await c.database.follow({ ...step(), source: a.source });
    expect(await waiting).toBe('acknowledged');
  });

  it('is met by a voter that had received the commit before it became one', async () => {
    await demand(one(b, c));
    await untilVotes(c);
    await c.database.stopReceiving(step());
    const waiting = commit(a, 15_000);
    await until('b has received it, but cannot acknowledge it', async () =>
      b.database.positions.compare((await b.running()).position, (await a.running()).position) === 'equal' &&
      (await a.running()).waitingCommits > 0
        ? true
        : undefined,
    );
    await upkeep(b);
    await untilVotes(b);
    // The agent looks at its database again and again.
    await until('nothing waits', async () => ((await a.running()).waitingCommits === 0 ? true : undefined));
    expect(await waiting).toBe('acknowledged');
    await c.database.follow({ ...step(), source: a.source });
    await demand(one(c), one(b, c));
    await untilVotes(c);
    await upkeep(b);
  });

  it('is counted where an operator ended the wait of a commit', async () => {
    const before = (await a.running()).weakAcks ?? 0;
    await c.database.stopReceiving(step());
    const waiting = commit(a, 15_000);
    const id = await until(
      'the commit waits',
      async () =>
        (await a.sql(`select id from information_schema.processlist where state like 'Waiting for semi-sync%'`)).at(
          0,
        )?.['id'],
    );
    await a.sql(`kill query ${id}`);
    expect(await waiting).toBe('acknowledged');
    expect((await a.running()).weakAcks).toBe(before + 1);
    await c.database.follow({ ...step(), source: a.source });
  });

  it('is refused for more acknowledgements than the server can wait for', async () => {
    expect(await codeOf(demand({ voters: [voter(b), voter(c)], acks: 2 }))).toBe('refused');
  });

  it('is given up at once', async () => {
    await c.database.stopReceiving(step());
    const waiting = commit(a, 15_000);
    await until('the commit waits', async () => ((await a.running()).waitingCommits > 0 ? true : undefined));
    await demand(NOTHING, one(c));
    expect(await waiting).toBe('acknowledged');
    expect((await a.running()).acknowledgement).toEqual(NOTHING);
    await c.database.follow({ ...step(), source: a.source });
  });

  it('is in force from the first instant of a promotion, and the old primary’s voters follow as voters', async () => {
    await until('b has everything', async () =>
      b.database.positions.compare((await b.running()).position, (await a.running()).position) === 'equal'
        ? true
        : undefined,
    );
    const { finalPosition } = await a.database.stop(step());
    expect(finalPosition).toBeDefined();
    const { position } = await b.database.stopReceiving(step());
    expect(b.database.positions.compare(position, finalPosition!)).toBe('equal');
    await b.database.acknowledge({ ...step(), from: undefined, wanted: one(a, c) });
    await b.database.promote({ ...step(), generation: 3 });
    expect((await b.running()).acknowledgement).toEqual(one(a, c));
    const waiting = commit(b, 15_000);
    await until('the commit waits', async () => ((await b.running()).waitingCommits > 0 ? true : undefined));
    await c.database.follow({ ...step(), source: b.source });
    expect(await waiting).toBe('acknowledged');
    expect((await b.running()).replicas).toMatchObject([{ name: voter(c), sync: 'voter' }]);
  });

  it('a replica that crashed may have forgotten what it acknowledged; one that ended cleanly, and a primary, have not', async () => {
    const crash = async (member: TestMember): Promise<void> => {
      const killed = processes.within(member.options.dataDir);
      for (const each of killed) processes.signal(each, 'SIGKILL');
      await until('the server is gone', async () => (killed.some(processes.alive) ? undefined : true));
    };
    await crash(c);
    expect(await c.database.forgets?.(step())).toBe(true);
    await c.database.start({ ...step(), source: b.source });
    await until('c streams', async () => ((await c.running()).streaming ? true : undefined));
    await c.database.stop(step());
    expect(await c.database.forgets?.(step())).toBe(false);
    await crash(b);
    expect(await b.database.forgets?.(step())).toBe(false);
  });
});
