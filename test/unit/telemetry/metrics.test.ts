import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../../src/core/known.ts';
import { DEFAULT_SETTINGS, NO_TAGS } from '../../../src/core/settings.ts';
import type { AgentStatus } from '../../../src/core/status.ts';
import { STATUS_GAUGES } from '../../../src/telemetry/gauges.ts';
import { createMetrics, INSTRUMENTS, type Metrics } from '../../../src/telemetry/metrics.ts';
import {
  keyed,
  leaderStatus,
  NOW,
  at0,
  primaryDatabase,
  replicaDatabase,
  replicaStatus,
  term,
  view,
} from '../api/support.ts';

const shown = async (status: AgentStatus | undefined, use: (metrics: Metrics) => void = () => {}): Promise<string> => {
  const metrics = createMetrics();
  metrics.useStatus(
    () => status,
    () => NOW,
  );
  use(metrics);
  return metrics.text();
};

/** The value of a series, written without the labels cluster and member. */
const value = (text: string, series: string): number | undefined => {
  const line = text
    .split('\n')
    .map((each) => each.replace(/cluster="[^"]*",member="[^"]*",?/, '').replace('{}', ''))
    .find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
};

describe('gauges of the status', () => {
  it('tell what a leader is', async () => {
    const text = await shown(
      leaderStatus({ deadline: at0(7_500), task: { name: 'checkpoint', since: 1, detail: '' } }),
    );
    expect(text).toMatch(/haagent_leader\{cluster="demo",member="[^"]+"\} 1/);
    expect(
      [
        'leader',
        'primary',
        'replica',
        'term',
        'lease_seconds_left',
        'ttl_seconds',
        'guard_armed',
        'members',
        'replicas',
      ].map((name) => [name, value(text, `haagent_${name}`)]),
    ).toEqual([
      ['leader', 1],
      ['primary', 1],
      ['replica', 0],
      ['term', 42],
      ['lease_seconds_left', 7.5],
      ['ttl_seconds', 10],
      ['guard_armed', 1],
      ['members', 3],
      ['replicas', 1],
    ]);
    expect(value(text, 'haagent_replica_lag{replica="db2~bbbb"}')).toBe(100);
    expect(value(text, 'haagent_state{state="running"}')).toBe(1);
    expect(value(text, 'haagent_state{state="crashed"}')).toBe(0);
    expect(value(text, 'haagent_task_running{task="checkpoint"}')).toBe(1);
    expect(value(text, 'haagent_streaming')).toBeUndefined();
    expect(text).toContain('engine="postgresql",server_version="15.18"');
  });

  it('tell what a replica is', async () => {
    const text = await shown(replicaStatus({ lag: 4096, tags: { ...NO_TAGS, nofailover: true } }));
    expect(value(text, 'haagent_lag')).toBe(4096);
    expect(value(text, 'haagent_streaming')).toBe(1);
    expect(value(text, 'haagent_replay_delay_seconds')).toBe(1.5);
    expect(value(text, 'haagent_failover_priority')).toBe(0);
    expect(value(text, 'haagent_lease_seconds_left')).toBe(0);
  });

  it('leave out what is not known instead of calling it zero', async () => {
    const text = await shown(
      leaderStatus({ database: unknown('no answer'), view: undefined, viewAt: undefined, lag: undefined }),
    );
    for (const name of ['lag', 'generation', 'pending_restart', 'members', 'store_view_age_seconds', 'replicas'])
      expect(value(text, `haagent_${name}`), name).toBeUndefined();
    expect(value(text, 'haagent_database_running')).toBe(0);
  });

  it('say how safe a failover is', async () => {
    const safe = (status: AgentStatus) =>
      shown(status).then((text) =>
        ['leader-lost', 'without-loss'].map((each) => value(text, `haagent_failover_safe{scenario="${each}"}`)),
      );
    const entry = { term: term(42), leader: 'db1~aaaa', voters: ['db2~bbbb'], acks: 1 };
    expect(await safe(leaderStatus())).toEqual([1, 0]);
    expect(await safe(leaderStatus({ view: view({ sync: keyed([entry]) }) }))).toEqual([1, 1]);
    expect(await safe(leaderStatus({ view: view({ sync: keyed([entry, { ...entry, acks: 0 }]) }) }))).toEqual([1, 0]);
    expect(await safe(leaderStatus({ candidates: [] }))).toEqual([0, 0]);
    expect(await safe(leaderStatus({ storeTrouble: 'no answer' }))).toEqual([0, 0]);
    expect(await safe(leaderStatus({ settings: { ...DEFAULT_SETTINGS, pause: true } }))).toEqual([0, 0]);
  });

  it('forget a replica that is gone', async () => {
    let status = leaderStatus();
    const metrics = createMetrics();
    metrics.useStatus(
      () => status,
      () => NOW,
    );
    expect(value(await metrics.text(), 'haagent_replica_lag{replica="db2~bbbb"}')).toBe(100);
    status = leaderStatus({ database: known(primaryDatabase({ replicas: [] })) });
    expect(value(await metrics.text(), 'haagent_replica_lag{replica="db2~bbbb"}')).toBeUndefined();
  });

  it('say nothing before there is a status', async () => {
    expect(value(await shown(undefined), 'haagent_leader')).toBeUndefined();
  });

  it('are all there in one of two situations', async () => {
    const texts = [
      await shown(leaderStatus({ task: { name: 'x', since: 1, detail: '' } })),
      await shown(replicaStatus({ database: known(replicaDatabase()), lag: 1 })),
    ].join('\n');
    for (const { name } of STATUS_GAUGES) expect(texts, name).toMatch(new RegExp(`^${name}\\{`, 'm'));
  });
});

describe('instruments', () => {
  it('count and time what they are told', async () => {
    const text = await shown(undefined, (metrics) => {
      metrics.loop(2);
      metrics.storeCall('leadership', 'applied', 30);
      metrics.databaseCall(5);
      metrics.roleChange('primary');
      metrics.decision('leader.steady');
      metrics.task('clone', 'done');
      metrics.taskTook('clone', 61_000);
      metrics.fencing('guard');
      metrics.leaderChange('take-over', 'promote', 400);
      metrics.failover('silence');
      metrics.demotion('leader.unproven');
      metrics.rejoin('rewind');
    });
    expect(value(text, 'haagent_loop_seconds_sum')).toBe(0.002);
    expect(value(text, 'haagent_store_call_seconds_bucket{le="0.05",what="leadership",outcome="applied"}')).toBe(1);
    expect(value(text, 'haagent_store_call_seconds_bucket{le="0.01",what="leadership",outcome="applied"}')).toBe(0);
    expect(value(text, 'haagent_task_seconds_sum{task="clone"}')).toBe(61);
    expect(value(text, 'haagent_leader_change_seconds_sum{how="take-over",phase="promote"}')).toBe(0.4);
    for (const series of [
      'haagent_database_call_seconds_count',
      'haagent_role_changes_total{to="primary"}',
      'haagent_decisions_total{rule="leader.steady"}',
      'haagent_tasks_total{task="clone",result="done"}',
      'haagent_fencings_total{by="guard"}',
      'haagent_failovers_total{cause="silence"}',
      'haagent_demotions_total{reason="leader.unproven"}',
      'haagent_rejoins_total{how="rewind"}',
    ])
      expect(value(text, series), series).toBe(1);
  });

  it('have names of their own, with the prefix, a help text and the unit in the name', () => {
    const all = [...STATUS_GAUGES, ...Object.values(INSTRUMENTS)];
    expect(new Set(all.map((each) => each.name)).size).toBe(all.length);
    for (const { name, help } of all) {
      expect(name).toMatch(/^haagent_[a-z_]+$/);
      expect(help).toMatch(/^[A-Z0-9].{10,}\.$/);
    }
    for (const { kind, name } of Object.values(INSTRUMENTS))
      expect(name).toMatch(kind === 'counter' ? /_total$/ : /_seconds$/);
  });

  it('share nothing between two agents in one process', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.failover('silence');
    expect(await other.text()).not.toContain('haagent_failovers_total{');
  });
});
