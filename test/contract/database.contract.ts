import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabaseView, RunningDatabase, Source } from '../../src/core/database.ts';
import type { Task, TaskResult } from '../../src/core/memory.ts';
import type { Order, Position } from '../../src/core/position.ts';

/** One member's database as an agent drives it: by tasks, one at a time, and by looks. */
export interface DrivenDatabase {
  readonly source: Source;
  /** Runs a task to its end; copies and rewound data are then started following `source`. */
  run(task: Task): Promise<TaskResult>;
  look(): Promise<DatabaseView>;
  /** Writes something, and is told that it is written. */
  write(): Promise<void>;
  /** SIGKILL: all processes, or the postmaster alone while a backend is busy. */
  kill(what: 'all' | 'postmaster'): Promise<void>;
  compare(a: Position, b: Position): Order;
}

export interface DrivenCluster {
  member(name: string): Promise<DrivenDatabase>;
  /** Lets things happen until the fact is there; fails when it does not come in time. */
  until(what: string, fact: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/**
 * What the simulator's databases promise and PostgreSQL keeps, so that the model cannot drift: the tests of one run build on
 * each other, as the life of a cluster does.
 */
export const databaseContract = (what: string, open: () => Promise<DrivenCluster>): void => {
  describe(`databases: ${what}`, () => {
    let cluster: DrivenCluster;
    let a: DrivenDatabase;
    let b: DrivenDatabase;
    let c: DrivenDatabase;
    let systemId = '';
    beforeAll(async () => {
      cluster = await open();
      [a, b, c] = [await cluster.member('a'), await cluster.member('b'), await cluster.member('c')];
    });
    afterAll(() => cluster.close());

    const running = async (member: DrivenDatabase): Promise<RunningDatabase> => {
      const view = await member.look();
      if (view.kind !== 'running') throw new Error(`${member.source.member} is ${view.kind}, not running`);
      return view;
    };
    const start = (member: DrivenDatabase, source?: DrivenDatabase): Promise<TaskResult> =>
      member.run({ kind: 'start', source: source?.source });
    const promote = (member: DrivenDatabase, generation: number): Promise<TaskResult> =>
      member.run({ kind: 'promote', term: 7n as never, generation });
    const streams = (member: DrivenDatabase): Promise<void> =>
      cluster.until(`${member.source.member} streams`, async () => (await running(member)).streaming);
    const has = (member: DrivenDatabase, position: Position): Promise<void> =>
      cluster.until(`${member.source.member} has it`, async () => {
        const own = (await running(member)).replay?.applied;
        return own !== undefined && ['equal', 'ahead'].includes(member.compare(own, position));
      });
    // A replica of a server that has just been promoted may for a moment still stream what came before the promotion; a
    // source that stops then does not wait for it.
    const followsPrimary = async (member: DrivenDatabase, primary: DrivenDatabase): Promise<void> => {
      await has(member, (await running(primary)).position);
      await streams(member);
    };
    const clone = (member: DrivenDatabase, from: DrivenDatabase): Promise<TaskResult> =>
      member.run({ kind: 'clone', from: from.source, systemId, reason: 'test' });
    const DONE = { kind: 'done' };
    const FAILED = { kind: 'failed' };

    test('without data there is nothing to start, to stop, or to promote', async () => {
      expect(await a.look()).toEqual({ kind: 'empty' });
      expect(await start(a)).toMatchObject(FAILED);
      expect(await promote(a, 2)).toMatchObject(FAILED);
      expect(await a.run({ kind: 'rewind', from: b.source })).toMatchObject(FAILED);
      expect(await a.look()).toEqual({ kind: 'empty' });
    });

    test('initialize makes data with an identity and leaves it stopped', async () => {
      const result = await a.run({ kind: 'initialize' });
      expect(result).toMatchObject(DONE);
      systemId = result.kind === 'done' ? (result.systemId ?? '') : '';
      expect(systemId).not.toBe('');
      expect(await a.look()).toMatchObject({ kind: 'stopped', systemId, cleanly: true, leftovers: 0, pristine: true });
    });

    test('a start is always one of a replica, which takes no writes', async () => {
      expect(await start(a)).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({
        kind: 'running',
        role: 'replica',
        writable: false,
        streaming: false,
        systemId,
      });
      expect(await a.run({ kind: 'barrier', term: 7n as never })).toMatchObject(FAILED);
      expect(await start(a)).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({ kind: 'running', role: 'replica' });
    });

    test('from its first start on, data is not as new any more, whatever becomes of it', async () => {
      expect(await a.run({ kind: 'stop', reason: 'test' })).toMatchObject(DONE);
      const view = await a.look();
      expect(view).toMatchObject({ kind: 'stopped', systemId });
      expect(view).not.toHaveProperty('pristine');
      expect(await start(a)).toMatchObject(DONE);
    });

    test('promote makes it primary with the generation that was reserved, and a barrier is acknowledged', async () => {
      expect(await promote(a, 2)).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({ kind: 'running', role: 'primary', writable: true, generation: 2 });
      expect(await a.run({ kind: 'barrier', term: 7n as never })).toMatchObject(DONE);
      await a.write();
    });

    test('what is primary already cannot follow', async () => {
      expect(await a.run({ kind: 'follow', source: b.source })).toMatchObject(FAILED);
      expect(await a.look()).toMatchObject({ kind: 'running', role: 'primary', generation: 2 });
    });

    test('a copy of nobody fails and changes nothing', async () => {
      expect(await clone(b, c)).toMatchObject(FAILED);
      expect((await b.look()).kind).toBe('empty');
    });

    test('a copy follows its source from then on, and has what was written', async () => {
      for (const member of [b, c]) {
        expect(await clone(member, a)).toMatchObject(DONE);
        await streams(member);
        expect(await running(member)).toMatchObject({ role: 'replica', systemId, generation: 2, source: a.source });
      }
      await a.write();
      const { position } = await running(a);
      await has(b, position);
      await has(c, position);
    });

    test('killed, it is stopped and says no position; started again it has all that was written', async () => {
      await a.write();
      const { position } = await running(a);
      await a.kill('all');
      const after = await a.look();
      expect(after).toMatchObject({ kind: 'stopped', cleanly: false, leftovers: 0 });
      expect(after.kind === 'stopped' ? after.position : 'running').toBeUndefined();
      expect(await start(a)).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({ kind: 'running', role: 'replica', generation: 2 });
      expect(['equal', 'ahead']).toContain(a.compare((await running(a)).position, position));
      expect(await promote(a, 3)).toMatchObject(DONE);
      await followsPrimary(b, a);
      await followsPrimary(c, a);
    });

    test('backends outlive their postmaster: a fence ends them, and so does a start', async () => {
      const orphaned = async (): Promise<void> => {
        await a.kill('postmaster');
        const view = await a.look();
        expect(view.kind).toBe('stopped');
        expect(view.kind === 'stopped' ? view.leftovers : 0).toBeGreaterThan(0);
      };
      await orphaned();
      expect(await a.run({ kind: 'fence', reason: 'test' })).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({ kind: 'stopped', leftovers: 0 });
      expect(await start(a)).toMatchObject(DONE);
      expect(await promote(a, 4)).toMatchObject(DONE);
      await orphaned();
      expect(await start(a)).toMatchObject(DONE);
      expect(await a.look()).toMatchObject({ kind: 'running', role: 'replica', generation: 4 });
      expect(await promote(a, 5)).toMatchObject(DONE);
      await followsPrimary(b, a);
      await followsPrimary(c, a);
    });

    test('a clean stop tells the end of the log, which the replicas receive', async () => {
      await a.write();
      const result = await a.run({ kind: 'stop', reason: 'test' });
      expect(result).toMatchObject(DONE);
      const final = result.kind === 'done' ? result.finalPosition : undefined;
      if (final === undefined) throw new Error('no final position');
      await has(b, final);
      expect(await a.look()).toMatchObject({ kind: 'stopped', cleanly: true, generation: 5 });
      expect(await promote(b, 6)).toMatchObject(DONE);
      await b.write();
    });

    test('a replica goes on from another source whose history holds its log', async () => {
      expect(await c.run({ kind: 'follow', source: b.source })).toMatchObject(DONE);
      await streams(c);
      await cluster.until('c is on the generation of b', async () => (await running(c)).generation === 6);
      expect(await start(a, b)).toMatchObject(DONE);
      await streams(a);
    });

    test('a log that left the source’s history does not stream; it is rewound to the fork and does', async () => {
      await b.kill('all');
      expect(await promote(a, 7)).toMatchObject(DONE);
      await a.write();
      await a.run({ kind: 'checkpoint', purpose: 'rewindable' });
      expect(await start(b)).toMatchObject(DONE);
      expect(await promote(b, 8)).toMatchObject(DONE);
      await b.write();
      expect(await b.run({ kind: 'stop', reason: 'test' })).toMatchObject(DONE);
      expect(await start(b, a)).toMatchObject(DONE);
      expect(b.compare((await running(b)).position, (await running(a)).position)).toBe('diverged');
      expect((await running(b)).streaming).toBe(false);
      expect(await b.run({ kind: 'rewind', from: a.source })).toMatchObject(DONE);
      await streams(b);
      await has(b, (await running(a)).position);
    });
  });
};
