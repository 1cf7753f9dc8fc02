import { afterEach, describe, expect, test } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { ms } from '../../../src/core/brand.ts';
import type { ClusterView } from '../../../src/core/model.ts';
import { NO_TAGS } from '../../../src/core/settings.ts';
import type { How } from '../../../src/ports/operations.ts';
import { createOperations } from '../../../src/state/operations.ts';
import { at, keyed, member, name, positions, view } from '../../unit/api/support.ts';
import { createTestCluster, type TestCluster } from './support.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});
const clusterOf = (over: Partial<ClusterView> = {}): TestCluster => {
  const cluster = createTestCluster(
    view({
      members: new Map(
        [
          member('db1', { position: at(5_000_000) }),
          member('db2', { position: at(4_999_900) }),
          member('db3', { position: at(4_999_900), tags: { ...NO_TAGS, nofailover: true } }),
        ].map((record) => [record.name, keyed(record)]),
      ),
      ...over,
    }),
  );
  clusters.push(cluster);
  return cluster;
};

const how = (over: Partial<How> = {}): How => ({
  by: 'tester',
  dryRun: false,
  wait: false,
  timeout: ms(5_000),
  signal: new AbortController().signal,
  idempotencyKey: undefined,
  ...over,
});
const [db1, db2, db3, db9] = ['db1', 'db2', 'db3', 'db9'].map(name) as [
  ReturnType<typeof name>,
  ReturnType<typeof name>,
  ReturnType<typeof name>,
  ReturnType<typeof name>,
];
const soon = () => Date.now() + 3_600_000;
const to = (target: typeof db1 | undefined, at_?: number) => ({ from: undefined, to: target, at: at_ });

describe('switchover', () => {
  test('records the wish, bound to the leader that was seen', async () => {
    const cluster = clusterOf();
    const result = await cluster.operations.switchover(to(db2), how());
    expect(result).toMatchObject({ kind: 'accepted' });
    expect(cluster.view().intents.map(({ value }) => value)).toMatchObject([
      { kind: 'switchover', from: 'db1', to: 'db2', by: 'tester', at: undefined, outcome: undefined },
    ]);
  });

  test('waits for the outcome and tells who leads', async () => {
    const cluster = clusterOf();
    const lines: string[] = [];
    cluster.carryOut({ kind: 'done', reason: 'handed over', at: 5 }, [
      { kind: 'put', key: { kind: 'leader' }, value: db2 },
    ]);
    const result = await cluster.operations.switchover(
      to(db2),
      how({ wait: true, progress: (line) => lines.push(line) }),
    );
    expect(result).toMatchObject({
      kind: 'done',
      message: 'Successfully switched over to "db2"',
      data: { leader: 'db2' },
    });
  });

  test('tells what the agents refused, and what failed', async () => {
    const cluster = clusterOf();
    cluster.carryOut({ kind: 'refused', reason: 'db2 is behind', at: 5 });
    const refused = await cluster.operations.switchover(to(db2), how({ wait: true }));
    expect(refused).toMatchObject({
      kind: 'refused',
      code: 'refused',
      message: 'The switchover was refused: db2 is behind.',
    });
    cluster.carryOut({ kind: 'failed', reason: 'db2 died', at: 5 });
    const failed = await cluster.operations.switchover(to(db2), how({ wait: true }));
    expect(failed).toMatchObject({ kind: 'refused', code: 'failed' });
  });

  test('says that time ran out, and leaves the wish recorded', async () => {
    const cluster = clusterOf();
    const result = await cluster.operations.switchover(to(db2), how({ wait: true, timeout: ms(300) }));
    expect(result).toMatchObject({ kind: 'refused', code: 'timed-out' });
    expect(cluster.view().intents).toHaveLength(1);
  });

  test('ends waiting when it is cancelled', async () => {
    const cluster = clusterOf();
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = cluster.operations.switchover(
      to(db2),
      how({ wait: true, signal: controller.signal, progress: () => controller.abort(reason) }),
    );
    await expect(waiting).rejects.toBe(reason);
  });

  test('a dry run changes nothing and names who would lead', async () => {
    const cluster = clusterOf();
    const result = await cluster.operations.switchover(to(undefined), how({ dryRun: true }));
    expect(result).toMatchObject({ kind: 'would-do', message: 'would switch over from db1 to db2' });
    expect(cluster.view().intents).toHaveLength(0);
  });

  const refusals: readonly (readonly [
    what: string,
    over: Partial<ClusterView>,
    request: object,
    code: string,
    text: RegExp,
  ])[] = [
    ['no leader', { leader: undefined }, to(db2), 'refused', /no leader/],
    ['another leader than named', {}, { from: db2, to: db3, at: undefined }, 'refused', /leader is db1, not db2/],
    ['the leader as candidate', {}, to(db1), 'refused', /leader already/],
    ['an unknown candidate', {}, to(db9), 'refused', /no member db9/],
    ['a candidate that may not lead', {}, to(db3), 'refused', /nofailover/],
    ['a time in the past', {}, to(db2, 1_000), 'schedule-invalid', /has passed/],
    ['a schedule under pause', paused(), to(db2, soon()), 'refused', /paused/],
    ['no candidate under pause', paused(), to(undefined), 'refused', /paused: name the member/],
    [
      'nobody who could lead',
      { members: new Map([[db1, keyed(member('db1'))]]) },
      to(undefined),
      'refused',
      /No member can take over/,
    ],
  ];
  test.each(refusals)('is refused: %s', async (_what, over, request, code, text) => {
    const cluster = clusterOf(over);
    const result = await cluster.operations.switchover(
      request as Parameters<typeof cluster.operations.switchover>[0],
      how(),
    );
    expect(result).toMatchObject({ kind: 'refused', code, message: expect.stringMatching(text) as string });
    expect(cluster.view().intents).toHaveLength(0);
  });

  test('a refusal brings the reasons of every member', async () => {
    const result = await clusterOf().operations.switchover(to(db3), how());
    expect(result).toMatchObject({ candidates: [{ name: 'db2' }, { name: 'db1' }, { name: 'db3' }] });
  });

  test('one at a time: a second one is a conflict, also when both are asked for at once', async () => {
    const cluster = clusterOf();
    const results = await Promise.all([
      cluster.operations.switchover(to(db2), how()),
      cluster.operations.switchover(to(db2), how()),
      cluster.operations.switchover(to(db2), how()),
    ]);
    expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    expect(results.filter((r) => r.kind === 'refused' && r.code === 'conflict')).toHaveLength(2);
    expect(cluster.view().intents).toHaveLength(1);
    expect(await cluster.operations.switchover(to(db2), how())).toMatchObject({ kind: 'refused', code: 'conflict' });
  });

  test('the same idempotency key is the same request', async () => {
    const cluster = clusterOf();
    const key = how({ idempotencyKey: 'deploy-17' });
    const first = await cluster.operations.switchover(to(db2), key);
    const again = await cluster.operations.switchover(to(db2), key);
    expect(again).toEqual(first);
    expect(cluster.view().intents).toHaveLength(1);
    const { value } = cluster.view().intents[0]!;
    cluster.put({
      kind: 'put',
      key: { kind: 'intent', id: value.id },
      value: { ...value, outcome: { kind: 'done', reason: 'handed over', at: 5 } },
    });
    cluster.put({ kind: 'put', key: { kind: 'leader' }, value: db2 });
    expect(await cluster.operations.switchover(to(db2), key)).toMatchObject({ kind: 'done' });
    expect(await cluster.operations.switchover(to(db1), key)).toMatchObject({ kind: 'refused', code: 'conflict' });
  });

  test('is scheduled, shown by its time, and withdrawn', async () => {
    const cluster = clusterOf();
    const when = soon();
    const result = await cluster.operations.switchover(to(db2, when), how({ wait: true }));
    expect(result).toMatchObject({ kind: 'scheduled' });
    expect(await cluster.operations.cancel('switchover', undefined, how({ dryRun: true }))).toMatchObject({
      kind: 'would-do',
    });
    expect(await cluster.operations.cancel('switchover', undefined, how())).toMatchObject({ kind: 'done' });
    expect(cluster.view().intents).toHaveLength(0);
    expect(await cluster.operations.cancel('switchover', undefined, how())).toMatchObject({ code: 'not-found' });
  });

  test('an immediate one cannot be withdrawn', async () => {
    const cluster = clusterOf();
    await cluster.operations.switchover(to(db2), how());
    expect(await cluster.operations.cancel('switchover', undefined, how())).toMatchObject({ code: 'conflict' });
  });
});

describe('failover', () => {
  const leaderless = { leader: undefined };
  test('goes to the named member, with or without a leader', async () => {
    expect(await clusterOf().operations.failover({ to: db2, allowDataLoss: false }, how())).toMatchObject({
      kind: 'accepted',
    });
    expect(await clusterOf(leaderless).operations.failover({ to: db2, allowDataLoss: false }, how())).toMatchObject({
      kind: 'accepted',
    });
  });
  test('is not kept from it by a switchover that is stuck', async () => {
    const cluster = clusterOf();
    await cluster.operations.switchover(to(db2), how());
    expect(await cluster.operations.failover({ to: db2, allowDataLoss: false }, how())).toMatchObject({
      kind: 'accepted',
    });
  });
  test('names what speaks against it and how to force it', async () => {
    const result = await clusterOf().operations.failover({ to: db3, allowDataLoss: false }, how());
    expect(result).toMatchObject({
      kind: 'refused',
      code: 'refused',
      hint: expect.stringContaining('--allow-data-loss') as string,
    });
    expect(await clusterOf().operations.failover({ to: db1, allowDataLoss: true }, how())).toMatchObject({
      code: 'refused',
    });
    expect(await clusterOf().operations.failover({ to: db9, allowDataLoss: true }, how())).toMatchObject({
      code: 'refused',
    });
  });
  test('whose member is gone can be withdrawn', async () => {
    const cluster = clusterOf(leaderless);
    await cluster.operations.failover({ to: db2, allowDataLoss: false }, how());
    expect(await cluster.operations.failover({ to: db2, allowDataLoss: true }, how())).toMatchObject({
      code: 'conflict',
    });
    expect(await cluster.operations.cancel('failover', undefined, how())).toMatchObject({ kind: 'done' });
  });
});

describe('restart and reinitialize', () => {
  test('are recorded for a member, once at a time', async () => {
    const cluster = clusterOf();
    const request = { member: db2, onlyIfPending: false, at: undefined };
    expect(await cluster.operations.restart(request, how())).toMatchObject({ kind: 'accepted' });
    expect(await cluster.operations.restart(request, how())).toMatchObject({ code: 'conflict' });
    expect(await cluster.operations.reinitialize({ member: db2, fromLeader: false }, how())).toMatchObject({
      code: 'conflict',
    });
    expect(await cluster.operations.restart({ ...request, member: db3 }, how())).toMatchObject({ kind: 'accepted' });
  });
  test('need a member that is there and, for its data, is not the leader', async () => {
    const { operations } = clusterOf();
    expect(await operations.restart({ member: db9, onlyIfPending: false, at: undefined }, how())).toMatchObject({
      code: 'not-found',
    });
    expect(await operations.reinitialize({ member: db1, fromLeader: false }, how())).toMatchObject({ code: 'refused' });
    const headless = clusterOf({ leader: undefined }).operations;
    expect(await headless.reinitialize({ member: db2, fromLeader: false }, how())).toMatchObject({ code: 'refused' });
  });
  test('a scheduled restart is withdrawn by member', async () => {
    const cluster = clusterOf();
    await cluster.operations.restart({ member: db2, onlyIfPending: true, at: soon() }, how());
    expect(await cluster.operations.cancel('restart', db3, how())).toMatchObject({ code: 'not-found' });
    expect(await cluster.operations.cancel('restart', db2, how())).toMatchObject({ kind: 'done' });
  });
});

describe('configuration', () => {
  test('every version is kept with who and when, and the same change twice is none', async () => {
    const cluster = clusterOf();
    const patch = { how: 'patch', document: { replication: { mode: 'async' } } } as const;
    expect(await cluster.operations.configure(patch, how())).toMatchObject({
      kind: 'done',
      data: { document: { replication: { mode: 'async' } }, changes: ['+ replication.mode: "async"'] },
    });
    expect(await cluster.operations.configure(patch, how())).toMatchObject({
      kind: 'done',
      message: 'nothing to change',
    });
    await cluster.operations.configure({ how: 'replace', document: { ttl: '20s' } }, how({ by: 'other' }));
    const { configuration, configVersions } = cluster.view();
    expect(configuration?.value).toMatchObject({ number: 2, by: 'other', document: { ttl: '20s' } });
    expect([...configVersions.values()].map(({ value }) => value.number).sort((a, b) => a - b)).toEqual([1, 2]);
  });

  test('what cannot be used is not written, and every fault is named', async () => {
    const cluster = clusterOf();
    const result = await cluster.operations.configure(
      { how: 'patch', document: { ttl: '1s', replication: { mod: 'x' } } },
      how(),
    );
    expect(result).toMatchObject({ kind: 'refused', code: 'config-invalid' });
    expect(JSON.stringify(result)).toContain('replication.mod');
    expect(cluster.view().configuration).toBeUndefined();
    expect(await cluster.operations.configure({ how: 'patch', document: ['x'] }, how())).toMatchObject({
      code: 'config-invalid',
    });
  });

  test('two writers at once: both changes are there, nothing is overwritten', async () => {
    const cluster = clusterOf();
    const results = await Promise.all([
      cluster.operations.configure({ how: 'patch', document: { ttl: '20s' } }, how()),
      cluster.operations.configure({ how: 'patch', document: { on_crash: 'restart' } }, how()),
      cluster.operations.pause(true, how()),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(['done', 'done', 'done']);
    expect(cluster.view().configuration?.value.document).toEqual({ ttl: '20s', on_crash: 'restart', pause: true });
    expect(cluster.view().configuration?.value.number).toBe(3);
  });

  test('no more than fifty versions are kept', async () => {
    const cluster = clusterOf();
    for (let i = 1; i <= 53; i++)
      await cluster.operations.configure({ how: 'patch', document: { crash_restart_timeout: `${i}s` } }, how());
    const { configuration, configVersions } = cluster.view();
    expect(configuration?.value.number).toBe(53);
    expect(Math.min(...configVersions.keys())).toBe(4);
    expect(configVersions.size).toBe(50);
  });

  test('pause and resume are one setting', async () => {
    const cluster = clusterOf();
    expect(await cluster.operations.pause(true, how({ dryRun: true }))).toMatchObject({ kind: 'would-do' });
    expect(await cluster.operations.pause(true, how())).toMatchObject({ kind: 'done' });
    expect(cluster.view().settings?.value.pause).toBe(true);
    expect(await cluster.operations.pause(false, how())).toMatchObject({ kind: 'done' });
    expect(cluster.view().configuration?.value.document).toEqual({});
  });

  test('one that nobody can read is replaced, never patched', async () => {
    const cluster = clusterOf();
    cluster.model.control.transact({
      compare: [],
      writes: [{ kind: 'put', key: '/haagent/demo/config', value: '{broken' }],
    });
    expect(await cluster.operations.configure({ how: 'patch', document: { ttl: '20s' } }, how())).toMatchObject({
      code: 'failed',
    });
    expect(await cluster.operations.configure({ how: 'replace', document: { ttl: '20s' } }, how())).toMatchObject({
      kind: 'done',
    });
    expect(cluster.view().configuration?.value.document).toEqual({ ttl: '20s' });
  });
});

describe('when etcd does not do its part', () => {
  test('no answer is said, with what was tried', async () => {
    const cluster = clusterOf();
    cluster.model.control.setQuorum(false);
    const result = await cluster.operations.switchover(to(db2), how({ timeout: ms(200) }));
    expect(result).toMatchObject({
      kind: 'refused',
      code: 'store-unavailable',
      message: expect.stringContaining('read the cluster') as string,
    });
    cluster.model.control.setQuorum(true);
  });
  test('a full etcd is said with what to do', async () => {
    const cluster = clusterOf();
    cluster.model.control.setSpace('alarm');
    const result = await cluster.operations.pause(true, how());
    expect(result).toMatchObject({
      kind: 'refused',
      code: 'store-unavailable',
      hint: expect.stringContaining('NOSPACE') as string,
    });
  });
  test('an answer that was lost: the recorded wish is found', async () => {
    const cluster = clusterOf();
    const { store } = cluster;
    const lossy = {
      ...store,
      transact: async (...args: Parameters<typeof store.transact>) => {
        const done = await store.transact(...args);
        return done.kind === 'applied'
          ? ({ kind: 'unknown', error: { code: 'deadline', message: 'no answer' } } as const)
          : done;
      },
    };
    const operations = createOperations({
      store: lossy,
      prefix: '/haagent/demo/',
      positions,
      clock: createClock(),
      rank: async () => [{ name: db2, eligible: true, rank: 1, lag: 0, reasons: [] }],
      newId: () => 'x1',
    });
    expect(await operations.switchover(to(db2), how())).toMatchObject({ kind: 'accepted' });
    expect(await operations.configure({ how: 'patch', document: { ttl: '20s' } }, how())).toMatchObject({
      code: 'store-unavailable',
    });
    expect(cluster.view().intents).toHaveLength(1);
  });
});

function paused(): Partial<ClusterView> {
  const version = { number: 1, document: { pause: true }, by: 'x', at: '2026-01-01T00:00:00Z' };
  return { configuration: keyed(version), configVersions: new Map() };
}
