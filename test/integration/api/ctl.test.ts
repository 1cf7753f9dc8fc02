import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPeers } from '../../../src/adapters/http/peers.ts';
import { createClock } from '../../../src/adapters/os/clock.ts';
import type { MemberName } from '../../../src/core/brand.ts';
import type { ClusterView, Keyed, MemberRecord } from '../../../src/core/model.ts';
import { NO_TAGS } from '../../../src/core/settings.ts';
import { createStoreAccess } from '../../../src/ctl/store-access.ts';
import { at, instance, keyed, member, name, positions, term, view } from '../../unit/api/support.ts';
import { accessOver, ctl, type CtlResult, type Way } from './ctl-support.ts';
import { createTestCluster, startApi, type TestApi, type TestCluster } from './support.ts';

let cluster: TestCluster;
let agent: TestApi;

const membersAt = (apiUrl: string): ReadonlyMap<MemberName, Keyed<MemberRecord>> =>
  new Map([
    [name('db1'), keyed(member('db1', { apiUrl, position: at(5_000_000) }))],
    [
      name('db2'),
      keyed(member('db2', { apiUrl: 'http://127.0.0.1:1', position: at(4_999_900), pendingRestart: true })),
    ],
    [
      name('db3'),
      keyed(
        member('db3', {
          apiUrl: 'http://127.0.0.1:1',
          position: at(4_999_900),
          tags: { ...NO_TAGS, nofailover: true },
        }),
      ),
    ],
  ]);
const past = {
  member: name('db1'),
  instance: instance('aaaa'),
  generation: 3,
  how: 'hand-over',
  reason: 'switchover',
  at: '2026-01-01T00:00:00Z',
  from: at(1024),
} as const;

const begin = async (over: Partial<ClusterView> = {}): Promise<void> => {
  cluster = createTestCluster(
    view({
      members: membersAt('http://127.0.0.1:1'),
      history: keyed(past),
      olderTerms: new Map([[term(1), keyed({ ...past, generation: 2, from: undefined, how: 'bootstrap' })]]),
      ...over,
    }),
  );
  agent = await startApi(cluster);
  for (const [who, record] of membersAt(agent.url))
    cluster.put({ kind: 'put', key: { kind: 'member', name: who }, value: record.value });
  agent.status = { ...agent.status!, view: cluster.view() };
};
beforeEach(async () => begin());
afterEach(async () => {
  await agent.close();
  await cluster.close();
});

describe.each<Way>(['agent', 'etcd'])('through %s', (way) => {
  const run = async (line: string | readonly string[], over: Parameters<typeof ctl>[2] = {}): Promise<CtlResult> =>
    ctl(line, () => accessOver(way, cluster, agent, `ctl-${Math.floor(performance.now() * 1000)}`), over);
  const json = async (line: string): Promise<unknown> => JSON.parse((await run(`${line} -o json`)).out);

  test('list shows the members, in three forms', async () => {
    const table = await run('list');
    expect(table.code).toBe(0);
    expect(table.out).toMatch(/\| db1 \* {2}\| 10\.0\.0\.1:5432 \| Leader {2}\| running {3}\| {2}3 \|/);
    expect(await json('list')).toMatchObject({ members: [{ name: 'db1' }, { name: 'db2' }, { name: 'db3' }] });
    expect((await run('--output yaml list')).out).toContain('scope: demo');
  });

  test('topology, history, version, dsn and haproxy-config', async () => {
    expect((await run('topology')).out).toContain('db1 * (Leader, running)\n+ db2');
    const history = await run('history');
    expect(history.out).toMatch(/\| {2}2 \| db1/);
    expect(history.out).toMatch(/timeline 3 at 0\/400/);
    expect(await json('version')).toMatchObject({
      members: [{ name: 'db1', agent: '0.1.0', server: '15.18' }, { name: 'db2' }, { name: 'db3' }],
    });
    expect((await run('dsn')).out).toBe('host=10.0.0.1 port=5432\n');
    expect((await run('dsn --role replica')).out).toBe('host=10.0.0.2 port=5432\n');
    expect((await run('dsn -m db3 -o json')).out).toContain('"member": "db3"');
    expect((await run('haproxy-config')).out).toContain('server db2 10.0.0.2:5432 check');
  });

  test('why: everyone, or one', async () => {
    const all = await run('why');
    expect(all).toMatchObject({ code: 0 });
    expect(all.out).toContain('db1 holds the leader key');
    expect(all.out).toContain('its tag nofailover is set');
    expect(await json('why db3')).toMatchObject({ candidates: [{ name: 'db3', eligible: false }] });
    expect(await run('why db9')).toMatchObject({ code: 1 });
  });

  test('switchover: asked for, done, and told', async () => {
    cluster.carryOut({ kind: 'done', reason: 'ok', at: 1 }, [
      { kind: 'put', key: { kind: 'leader' }, value: name('db2') },
    ]);
    const done = await run('switchover --candidate db2', { answers: ['y'] });
    expect(done.err).toContain('Switch cluster demo over from db1 to db2? [y/N]');
    expect(done).toMatchObject({ code: 0, out: 'Successfully switched over to "db2".\n' });
  });
  test('switchover: recorded without waiting, dry, scheduled and flushed', async () => {
    const dry = await run('switchover --candidate db2 --dry-run');
    expect(dry.out).toBe('Dry run: would switch over from db1 to db2.\n');
    // Through etcd alone this command asks the agents itself, and db2's does not listen.
    expect(dry.code).toBe(way === 'etcd' ? 1 : 0);
    if (way === 'etcd') {
      expect(dry.err).toMatch(/^WARNING: NOT PROVEN: whether db2 can take over: .*ECONNREFUSED/m);
      expect(await json('switchover --candidate db2 --dry-run')).toMatchObject({
        result: 'would-do',
        unproven: expect.stringContaining('db2'),
      });
    }
    expect(cluster.view().intents).toHaveLength(0);
    const when = new Date(Date.now() + 3_600_000).toISOString();
    expect(await run(['switchover', '--candidate', 'db2', '--scheduled', when, '-y'])).toMatchObject({ code: 0 });
    expect(await run('flush switchover -y')).toMatchObject({ code: 0, out: 'scheduled switchover deleted.\n' });
    expect(await run('flush switchover -y')).toMatchObject({ code: 1 });
    expect(await run('switchover --no-wait -y -o json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('"accepted"') as string,
    });
  });
  test('switchover: refused says why, on standard error, with exit code 1', async () => {
    const refused = await run('switchover --candidate db3 -y');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/^ERROR: db3 cannot take over: .*nofailover/m);
    expect(refused.err).toMatch(/^DETAIL: db2 can lead \(rank 1\)/m);
    expect(refused.err).toMatch(/^HINT: haagentctl why db3/m);
    expect(await run('switchover --leader db2 -y')).toMatchObject({ code: 1 });
    expect(await run('switchover --candidate db2', { answers: ['n'] })).toMatchObject({ code: 1 });
    expect(cluster.view().intents).toHaveLength(0);
  });
  test('not done in time is exit code 3, not understood is 2', async () => {
    expect(await run('switchover --candidate db2 -y --timeout 300ms')).toMatchObject({ code: 3 });
    expect(await run('switchover --candidate UPPER -y')).toMatchObject({ code: 2 });
    expect(await run('switchover --timeout never')).toMatchObject({ code: 2 });
    expect(await run('switchover')).toMatchObject({ code: 2, err: expect.stringContaining('Add --yes') as string });
    expect(await run('switchover -y --scheduled tomorrow')).toMatchObject({ code: 2 });
    expect(await run('bogus')).toMatchObject({ code: 2 });
    expect(await run('--help')).toMatchObject({ code: 0 });
    expect((await run('switchover --help')).out).toContain('--candidate');
  });
  test('the same idempotency key twice is one request', async () => {
    const line = 'switchover --candidate db2 -y --no-wait --idempotency-key k1 -o json';
    expect((await run(line)).out).toBe((await run(line)).out);
    expect(cluster.view().intents).toHaveLength(1);
  });

  test('failover with loss needs the name of the cluster typed', async () => {
    expect(await run('failover --candidate db2 --allow-data-loss -y')).toMatchObject({ code: 2 });
    expect(await run('failover --candidate db2 --allow-data-loss', { answers: ['yes'] })).toMatchObject({ code: 1 });
    expect(cluster.view().intents).toHaveLength(0);
    const typed = await run('failover --candidate db2 --allow-data-loss --no-wait', { answers: ['demo'] });
    expect(typed.err).toContain('ACKNOWLEDGED WRITES MAY BE LOST');
    expect(typed.code).toBe(0);
    expect(cluster.view().intents[0]?.value).toMatchObject({ kind: 'failover', allowDataLoss: true });
    expect(await run('failover -y')).toMatchObject({ code: 2 });
  });

  test('restart: by name, by role, only what is pending', async () => {
    expect(await run('restart -y')).toMatchObject({ code: 2 });
    expect(await run('restart db9 -y')).toMatchObject({ code: 1 });
    expect(await run('restart --role any --pending -y --no-wait')).toMatchObject({ code: 0 });
    expect(cluster.view().intents.map(({ value }) => value)).toMatchObject([
      { kind: 'restart', member: 'db2', onlyIfPending: true },
    ]);
    const many = await run('restart db1 db3 -y --no-wait -o json');
    expect(JSON.parse(many.out)).toMatchObject([{ member: 'db3' }, { member: 'db1' }]);
    expect(await run('restart db3 -y --no-wait')).toMatchObject({
      code: 1,
      err: expect.stringContaining('under way') as string,
    });
    expect(await run('restart --role leader --pending -y')).toMatchObject({
      code: 0,
      err: 'NOTICE: No member is to be restarted.\n',
    });
  });

  test('reinit needs the name of the member typed, or given', async () => {
    expect(await run('reinit db2 -y')).toMatchObject({ code: 2 });
    expect(await run('reinit db2', { answers: ['db3'] })).toMatchObject({ code: 1 });
    expect(await run('reinit db1 --confirm db1')).toMatchObject({ code: 1 });
    expect(await run('reinit db2 --confirm db2 --from-leader')).toMatchObject({ code: 0 });
    expect(await run('reinit db2 --confirm db2')).toMatchObject({ code: 1 });
    expect(await run('reinit db2 --confirm db2 --force')).toMatchObject({ code: 0 });
    expect(await run('flush reinit -y')).toMatchObject({ code: 2 });
    expect(await run('flush reinit db2 -y')).toMatchObject({ code: 0 });
    expect(cluster.view().intents).toHaveLength(0);
  });

  test('pause and resume', async () => {
    expect(await run('pause')).toMatchObject({ code: 0 });
    expect(cluster.view().settings?.value.pause).toBe(true);
    expect(await run('resume')).toMatchObject({ code: 0 });
    expect(cluster.view().settings?.value.pause).toBe(false);
  });

  test('config: set, edit from a file, in the editor; faults name the setting', async () => {
    const set = await run('config set ttl=20s replication.mode=async', { answers: ['y'] });
    expect(set.err).toContain('+ replication.mode: "async"');
    expect(set.code).toBe(0);
    expect(cluster.view().configuration?.value.document).toEqual({ ttl: '20s', replication: { mode: 'async' } });
    expect((await run('config set replication=null -y --dry-run')).out).toContain('- replication.mode: "async"');
    const bad = await run('config set ttl=1s nothing.here=1 -y');
    expect(bad.code).toBe(2);
    expect(bad.err).toMatch(/^DETAIL: .*nothing/m);
    expect(await run('config set ttl -y')).toMatchObject({ code: 2 });
    expect(await run('config edit --replace f -y', { io: { readFile: () => 'on_crash: restart\n' } })).toMatchObject({
      code: 0,
    });
    expect(await run('config edit --apply f -y', { io: { readFile: () => '{ttl: 30s}' } })).toMatchObject({ code: 0 });
    expect(await run('config edit --apply f -y', { io: { readFile: () => ':\n- [' } })).toMatchObject({ code: 2 });
    expect(cluster.view().configuration?.value.document).toEqual({ on_crash: 'restart', ttl: '30s' });
    expect(await run('config edit --apply a --replace b')).toMatchObject({ code: 2 });
    expect(await run('config edit')).toMatchObject({ code: 2 });
  });

  test('config: a promise that a member’s database cannot keep is refused', async () => {
    const [[who, record] = []] = membersAt(agent.url);
    if (who === undefined || record === undefined) throw new Error('no member');
    const limit = (mostAcks: number): void =>
      cluster.put({ kind: 'put', key: { kind: 'member', name: who }, value: { ...record.value, mostAcks } });
    limit(0);
    const refused = await run('config set replication.mode=quorum -y');
    expect(refused.code).not.toBe(0);
    expect(refused.err).toMatch(/^DETAIL: replication\.mode.*cannot be made to wait/m);
    expect(cluster.view().configuration).toBeUndefined();
    limit(1);
    expect((await run('config set replication.mode=quorum replication.acks=2 -y')).err).toMatch(/at most 1/);
    expect(await run('config set replication.mode=quorum -y')).toMatchObject({ code: 0 });
  });

  test('what etcd or an agent says cannot move the terminal', async () => {
    cluster.put({ kind: 'put', key: { kind: 'history' }, value: { ...past, reason: 'evil \u001B[2J\u202E text' } });
    const { out } = await run('history');
    for (const control of ['\u001B', '\u202E']) expect(out).not.toContain(control);
  });
});

describe('configuration versions', () => {
  const run = (line: string, over: Parameters<typeof ctl>[2] = {}) =>
    ctl(line, () => accessOver('etcd', cluster, agent, line), over);
  test('show, diff and history', async () => {
    expect((await run('config show')).out).toBe('# nothing is set: defaults apply\n');
    await run('config set ttl=20s -y');
    await run('config set ttl=30s pause=true -y');
    expect((await run('config show')).out).toBe('ttl: 30s\npause: true\n');
    expect((await run('config diff')).out).toBe('+ pause: true\nttl: "20s" -> "30s"\n');
    expect((await run('config diff 0x1')).code).toBe(2);
    expect((await run('config diff 1 1')).out).toBe('no difference\n');
    expect((await run('config diff 7')).code).toBe(1);
    expect((await run('config history')).out).toContain('tester with haagentctl');
  });
  test('in the editor', async () => {
    await run('config set ttl=20s -y');
    const edit = async (text: string): Promise<string> => text.replace('20s', '40s');
    expect(await run('config edit', { answers: ['y'], io: { edit } })).toMatchObject({ code: 0 });
    expect(cluster.view().configuration?.value.document).toEqual({ ttl: '40s' });
    expect(await run('config edit', { answers: [] })).toMatchObject({ code: 0, err: 'NOTICE: Nothing was changed.\n' });
  });
});

describe('what only agents know', () => {
  test('status, events and reload go to the agent', async () => {
    const over = (line: string, io = {}) => ctl(line, () => accessOver('agent', cluster, agent), { io });
    expect((await over('status')).out).toContain('rule: leader.hold');
    expect(await over('reload db1 -y')).toMatchObject({ code: 0, out: 'db1: reload accepted\n' });
    expect(agent.reloads.count).toBe(1);
    expect(await over('reload --role any -y')).toMatchObject({
      code: 1,
      out: expect.stringContaining('db2: reload failed') as string,
    });
    const stop = new AbortController();
    agent.emit({ id: 1, at: 0, event: 'role.changed', level: 'warn', message: 'now primary', fields: {} });
    let seen = '';
    const io = {
      signal: stop.signal,
      out: (text: string) => {
        seen += text;
        stop.abort();
      },
    };
    expect(await over('events', io)).toMatchObject({ code: 0 });
    expect(seen).toBe('1970-01-01T00:00:00.000Z role.changed now primary\n');
  });
  test('are refused with that reason where there is only etcd', async () => {
    for (const line of ['status', 'events', 'reload db1 -y']) {
      const result = await ctl(line, () => accessOver('etcd', cluster, agent, line));
      expect(result.code).toBe(1);
      expect(result.err).toContain('--agent');
    }
  });
  test('an agent that is not there, and one without credentials', async () => {
    const gone = { ...agent, url: 'http://127.0.0.1:1' } as TestApi;
    expect(await ctl('list', () => accessOver('agent', cluster, gone))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^ERROR: .*cannot be asked/) as string,
    });
    const locked = await startApi(cluster, { options: { credentials: { username: 'admin', password: 'other' } } });
    try {
      expect(await ctl('pause', () => accessOver('agent', cluster, locked))).toMatchObject({
        code: 1,
        err: expect.stringContaining('credentials are wrong') as string,
      });
    } finally {
      await locked.close();
    }
  });
  test('interrupted while waiting: says so, leaves the request recorded', async () => {
    const stop = new AbortController();
    let said = '';
    const io = { signal: stop.signal, err: (text: string) => void (said += text) };
    const waiting = ctl('switchover --candidate db2 -y', () => accessOver('etcd', cluster, agent), { io });
    await expect.poll(() => said).toContain('waiting: db1 leads');
    stop.abort(new Error('interrupted'));
    expect(await waiting).toMatchObject({ code: 1 });
    expect(said).toContain('stays recorded');
    expect(cluster.view().intents).toHaveLength(1);
  });
  test('etcd away: reads come from the agent of this host', async () => {
    cluster.model.control.setQuorum(false);
    const clock = createClock();
    const result = await ctl('list', () =>
      createStoreAccess({
        store: cluster.model.client('blind'),
        cluster: 'demo',
        prefix: '/haagent',
        positions,
        peers: createPeers({ cluster: 'demo', positions }),
        clock,
        newId: () => 'x',
        endpoints: ['http://etcd:2379'],
        agent: accessOver('agent', cluster, agent),
      }),
    );
    cluster.model.control.setQuorum(true);
    expect(result).toMatchObject({ code: 0, out: expect.stringContaining('db1 *') as string });
  }, 15_000);
});
