import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { availabilityOf } from '../../../chaos/bench/versus/availability.ts';
import { settingsDifference } from '../../../chaos/bench/versus/parameters.ts';
import { niceStep, renderPlot } from '../../../chaos/bench/versus/plot.ts';
import { summarizeReport } from '../../../chaos/bench/versus/reports.ts';
import { summarize } from '../../../chaos/bench/versus/summary.ts';
import type { Measured } from '../../../chaos/bench/versus/round.ts';

const ack = (writer: string, completed: number) => ({ writer, completed, outcome: { kind: 'ok' } });

test('acknowledged writes are counted by slots around the fault, the proxy for itself', () => {
  const attempts = [
    ack('proxy', 950),
    ack('pg1', 1_050),
    ack('pg2', 1_060),
    { writer: 'pg1', completed: 1_070, outcome: { kind: 'info' } },
    ack('proxy', 5_000),
  ];
  expect(availabilityOf(attempts, 1_000, { beforeMs: 100, afterMs: 200 })).toEqual({
    fromSeconds: -0.1,
    stepSeconds: 0.1,
    proxied: [10, 0, 0],
    direct: [0, 20, 0],
  });
});

test('an axis has at most ten steps of 1, 2 or 5', () => {
  expect([1, 7, 12, 34, 60, 100].map(niceStep)).toEqual([0.1, 1, 2, 5, 10, 10]);
});

test('a plot draws both systems on the same axes and escapes its texts', () => {
  const availability = { fromSeconds: -0.1, stepSeconds: 0.1, proxied: [10, 0], direct: [0, 20] };
  const svg = renderPlot('a < b', [
    { title: 'one', availability },
    { title: 'two', availability: { ...availability, proxied: [10, 0, 30], direct: [0, 0, 0] } },
  ]);
  expect(svg).toContain('a &lt; b');
  expect(svg.match(/<polygon /g)).toHaveLength(4);
  expect(svg.match(/>50\/s</g)).toHaveLength(2);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

const run = (system: Measured['system'], figures: Partial<Measured['record']>): Measured => ({
  system,
  problems: [],
  availability: { fromSeconds: 0, stepSeconds: 0.1, proxied: [], direct: [] },
  record: {
    engine: 'postgres',
    mode: 'async',
    scenario: 'kill',
    ttl: 3,
    peer: system === 'haagent' ? null : system,
    rtoDirectMs: 1_000,
    rtoProxyMs: 1_000,
    acked: 10,
    lost: 0,
    dualWriteMs: 0,
    weakAcks: 0,
    rejoinMs: 5_000,
    settled: true,
    load: 0,
    passed: true,
    ...figures,
  },
});

test('the summary shows medians with minimum and maximum, the ratio, and what the peer wins', () => {
  const text = summarize(
    [
      run('haagent', { rtoDirectMs: 900 }),
      run('haagent', { rtoDirectMs: 1_000 }),
      run('haagent', { rtoDirectMs: 1_300 }),
      run('patroni', { rtoDirectMs: 21_000, rejoinMs: 3_000, lost: 4 }),
    ],
    [],
  );
  expect(text).toMatch(/kill +write gap, direct, ms +1000 \(900 - 1300; 3\) +21000 \(21000 - 21000; 1\) +21\.0 x/);
  expect(text).toMatch(/The peer wins:\n {2}kill: whole again, ms: 5000 .* against 3000/);
  expect(text.split('The peer wins')[1]).not.toContain('direct');
});

test('a scenario for which we have no figure is one that the peer wins', () => {
  const text = summarize([run('haagent', { rtoProxyMs: null }), run('patroni', { rtoProxyMs: 4_000 })], []);
  expect(text).toContain('kill: write gap, HAProxy, ms: we have no figure, the peer 4000');
});

test('settings that differ are named', () => {
  const ours = new Map([
    ['fsync', 'on'],
    ['max_connections', '100'],
  ]);
  expect(settingsDifference(ours, new Map([['fsync', 'on']]))).toEqual(['max_connections: 100 / (unknown)']);
});

test('what a cluster costs at rest is compared too', () => {
  const rest = { leaderCpu: 2.5, leaderMib: 110, replicaCpu: 2, replicaMib: 100, revisions: 12 };
  const text = summarize(
    [],
    [
      { system: 'haagent', rest },
      { system: 'patroni', rest: { ...rest, leaderMib: 46, revisions: 24 } },
    ],
  );
  expect(text).toMatch(/rest +etcd revisions a minute +12 \(12 - 12; 1\) +24 \(24 - 24; 1\) +2\.0 x/);
  expect(text).toContain('rest: agent and guard of the leader, MiB: 110 (110 - 110; 1) against 46 (46 - 46; 1)');
});

test('the lines of several commands are told together', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'haagent-report-')), 'report.jsonl');
  const line = (peer: string | null, rtoDirectMs: number) =>
    JSON.stringify({ comparison: 'fastest', ...run('haagent', { peer, rtoDirectMs, load: 2 }).record, problems: [] });
  const rest = { leaderCpu: 2.5, leaderMib: 110, replicaCpu: 2, replicaMib: 100, revisions: 12 };
  const restLine = JSON.stringify({ comparison: 'fastest', scenario: 'rest', peer: 'patroni', ...rest });
  writeFileSync(file, `${line(null, 1_000)}\n${line('patroni', 20_000)}\n${line(null, 3_000)}\n${restLine}\n`);
  const text = summarizeReport(file);
  expect(text).toContain('load average of the machine: 2 to 2');
  expect(text).toMatch(/write gap, direct, ms +2000 \(1000 - 3000; 2\) +20000 \(20000 - 20000; 1\) +10\.0 x/);
  expect(text).toMatch(/etcd revisions a minute +- +12 /);
  writeFileSync(file, '{"comparison":"fastest"}\n');
  expect(() => summarizeReport(file)).toThrow('line 1 is not one of this bench');
  rmSync(dirname(file), { recursive: true });
});
