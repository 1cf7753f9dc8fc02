import { describe, expect, test } from 'vitest';
import { spanMs, type Fault } from '../../../chaos/faults/fault.ts';
import { faultNames, faultOf, faults, findFault, findScenarios, lackOf } from '../../../chaos/faults/faults.ts';
import type { Lab } from '../../../chaos/lab/lab.ts';
import { randomFrom } from '../../../chaos/scenarios/random.ts';
import { recordOf, type ScenarioReport } from '../../../chaos/scenarios/report.ts';
import { problemsOf, type Facts } from '../../../chaos/scenarios/verdict.ts';
import { summaryOf, type Entry } from '../../../chaos/suite/summary.ts';

const bounds = { ttlMs: 5_000, allowanceMs: 1_000, durable: false };
const well: Facts = {
  primaries: { before: 'pg1', after: 'pg2' },
  durability: { acked: 100, lost: [], unreplicated: [], duplicates: [] },
  overlapMs: 0,
  weakAcks: 0,
  gapDirectMs: 5_400,
};
const problems = (fault: Fault, change: Partial<Facts>, how = bounds): readonly string[] =>
  problemsOf(fault, { ...well, ...change }, how);

describe('a run of a scenario', () => {
  test('in which everything was as promised has no problem', () => {
    expect(problems(faults.kill, {})).toEqual([]);
  });

  test('fails when the primary did not move, or should not have', () => {
    expect(problems(faults.kill, { primaries: { before: 'pg1', after: 'pg1' } })).toEqual(['pg1 is still the primary']);
    expect(problems(faults['agent-kill'], { gapDirectMs: 100 })).toEqual(['the primary moved from pg1 to pg2']);
  });

  test('fails when something that another member had is lost, or is there twice', () => {
    const durability = { acked: 100, lost: [7], unreplicated: [8], duplicates: [9] };
    const found = problems(faults.kill, { durability });
    expect(found).toHaveLength(2);
    expect(found[0]).toContain('ids 7');
    expect(found[1]).toContain('ids 9');
  });

  test('fails for every loss, and every overlap, where each commit waits for replicas', () => {
    const durability = { acked: 100, lost: [], unreplicated: [8], duplicates: [] };
    const durable = { ...bounds, durable: true };
    expect(problems(faults.freeze, { durability, overlapMs: 100 })).toEqual([]);
    expect(problems(faults.freeze, { durability, overlapMs: 100, gapDirectMs: 100 }, durable)).toHaveLength(2);
  });

  test('is held to what differs where each commit waits for replicas: a quicker failover, and a leader that loses its replicas', () => {
    const durable = { ...bounds, durable: true };
    expect(problems(faults.freeze, { gapDirectMs: 3_001 }, durable)).toHaveLength(1);
    expect(problems(faults.freeze, { gapDirectMs: 2_999 }, durable)).toEqual([]);
    expect(problems(faults['partition-replicas'], { gapDirectMs: 1_000 })).toEqual([
      'the primary moved from pg1 to pg2',
    ]);
    expect(problems(faults['partition-replicas'], { gapDirectMs: 1_000 }, durable)).toEqual([]);
  });

  test('fails when two primaries acknowledged for longer than the fault excuses', () => {
    expect(problems(faults.partition, { overlapMs: 1 })).toHaveLength(1);
    expect(problems(faults.freeze, { overlapMs: 250 })).toEqual([]);
    expect(problems(faults.freeze, { overlapMs: 251 })).toHaveLength(1);
  });

  test('fails when an acknowledgement was weaker than promised, or none came at all', () => {
    expect(problems(faults.kill, { weakAcks: 1 })).toHaveLength(1);
    expect(problems(faults.kill, { gapDirectMs: undefined })).toEqual(['nothing was acknowledged at all']);
  });

  test('fails when the outage was longer than the bound and the allowance, where it is judged', () => {
    expect(problems(faults.kill, { gapDirectMs: 6_501 })).toHaveLength(1);
    expect(problemsOf(faults.kill, { ...well, gapDirectMs: 60_000 }, { ...bounds, allowanceMs: undefined })).toEqual(
      [],
    );
  });
});

test('a span of time grows with the ttl', () => {
  expect(spanMs({ ttls: 2, ms: 500 }, 5_000)).toBe(10_500);
});

test('a scenario is found by its name, the loss of a host also by its other name', () => {
  expect(findFault('kill')).toBe('kill');
  expect(findFault('failover')).toBe('kill');
  expect(findFault('toString')).toBeUndefined();
  expect(faultNames).toContain('swarm');
});

test('every cell of the table of states is a scenario, and `states` means all of them', () => {
  const cells = findScenarios('states') ?? [];
  expect(cells).toHaveLength(48);
  for (const cell of cells) expect(findScenarios(cell)).toEqual([cell]);
  expect(faultOf('clone/guard-kill').sentence('pg1')).toBe(
    'SIGKILL of the guard of a replica that copies its data anew',
  );
  expect(faultOf('clone/guard-freeze').lasts).toEqual({ ttls: 2, ms: 0 });
  for (const wrong of ['clone', 'clone/guard', 'clone/guard-mend', 'dance/guard-kill'])
    expect(findScenarios(wrong)).toBeUndefined();
});

test('a lab says what it lacks for a fault', () => {
  const lab = {
    capabilities: new Set(['network']),
    members: [1, 2, 3],
    etcd: { endpoints: ['one'] },
    system: 'haagent',
  };
  const given = lab as unknown as Lab;
  expect(lackOf(faults.partition, given)).toBeUndefined();
  expect(lackOf(faults['etcd-leader'], given)).toContain('single etcd server');
  expect(lackOf(faults['disk-hang'], given)).toContain('disks');
});

test('the same seed draws the same numbers, another one others, all from 0 up to 1', () => {
  const draw = (seed: number): readonly number[] => Array.from({ length: 5 }, randomFrom(seed));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect([...draw(1), ...draw(2)].every((drawn) => drawn >= 0 && drawn < 1)).toBe(true);
});

const report: ScenarioReport = {
  engine: 'postgres',
  scenario: 'kill',
  oldPrimary: 'pg1',
  newPrimary: 'pg2',
  faultAt: 0,
  gapDirectMs: 5_400,
  gapProxyMs: undefined,
  acked: 100,
  lost: 1,
  unreplicated: 2,
  duplicates: 0,
  dualWrites: 0,
  dualWriteMs: 0,
  weakAcks: 0,
  healedMs: undefined,
  problems: [],
};

test('a record has exactly the fields that every report has; all that is missing counts as lost', () => {
  const record = recordOf(report, { mode: 'async', ttlMs: 5_000, peer: null, load: 1 });
  expect(Object.keys(record).join(' ')).toBe(
    'engine mode scenario ttl peer rtoDirectMs rtoProxyMs acked lost dualWriteMs weakAcks rejoinMs settled load passed',
  );
  expect(record).toMatchObject({ ttl: 5, rtoProxyMs: null, lost: 3, rejoinMs: null, settled: false, passed: false });
});

test('what was not run is never counted as passed', () => {
  const record = recordOf({ ...report, healedMs: 1 }, { mode: 'async', ttlMs: 5_000, peer: null, load: 1 });
  const entry = (change: Partial<Entry>): Entry => ({ run: 0, record, problems: [], notRun: undefined, ...change });
  const failed = { ...record, passed: false };
  const text = summaryOf([
    entry({}),
    entry({ record: failed, problems: ['it is gone\nwith details'] }),
    entry({ record: failed, notRun: 'no network' }),
  ]);
  expect(text).toContain('FAILED: it is gone\n');
  expect(text).toContain('not run: no network');
  expect(text.split('\n').at(-1)).toBe('1 passed, 1 failed, 1 not run');
});
