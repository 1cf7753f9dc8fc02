import { describe, expect, test } from 'vitest';
import type { FaultName } from '../../chaos/faults/faults.ts';
import { createPostgresEngine } from '../../chaos/engines/postgres.ts';
import type { ScenarioReport } from '../../chaos/scenarios/report.ts';
import { runScenario } from '../../chaos/scenarios/scenario.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

const TTL_MS = 10_000;
const DEADLINE_MS = 60_000;

const cluster = useLab({ engine: 'postgres', members: 3, ttlMs: TTL_MS, restartAfterMs: 100 });

const run = (scenario: FaultName): Promise<ScenarioReport> => {
  showLogsOnFailure(cluster.lab);
  return runScenario({
    lab: cluster.lab,
    engine: createPostgresEngine(cluster.lab),
    scenario,
    warmUpMs: 1_000,
    deadlineMs: DEADLINE_MS,
    progress: () => undefined,
  });
};

/** The demand that the primary shows; what is promised is proven by the runs below. */
const shown = async (): Promise<string> => {
  const { lab } = cluster;
  const primary = await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  const [row] = await lab.query(primary, "SELECT current_setting('synchronous_standby_names') AS names");
  return String(row?.['names']);
};

const setMode = async (mode: string, demand: RegExp): Promise<void> => {
  const { lab } = cluster;
  expect(await lab.ctl(['config', 'set', `replication.mode=${mode}`, '--yes'])).toMatchObject({ code: 0 });
  await lab.waitFor(`${mode} is in force`, async () => demand.test(await shown()), { deadlineMs: DEADLINE_MS });
};

test('a running cluster changes from async to quorum', async () => {
  showLogsOnFailure(cluster.lab);
  await cluster.lab.start();
  await cluster.lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await setMode('quorum', /^ANY 1 \("pg\d~.*", "pg\d~.*"\)$/);
});

describe('in quorum mode, while clients write,', () => {
  test('a switchover loses nothing', async () => {
    const report = await run('switchover');
    expect(report.problems).toEqual([]);
    expect(report.lost + report.unreplicated).toBe(0);
  });

  test('a lost host is replaced long before its ttl is over, and nothing is lost', async () => {
    const report = await run('kill');
    expect(report.problems).toEqual([]);
    expect(report.lost + report.unreplicated).toBe(0);
    expect(report.gapDirectMs).toBeLessThan(TTL_MS / 2);
  });

  test('a crashed database is replaced, and nothing is lost', async () => {
    const report = await run('crash');
    expect(report.problems).toEqual([]);
    expect(report.lost + report.unreplicated).toBe(0);
  });

  test('a host that hangs past its ttl acknowledges nothing when it goes on', async () => {
    const report = await run('freeze');
    expect(report.problems).toEqual([]);
    expect(report.lost + report.unreplicated).toBe(0);
    expect(report.dualWriteMs).toBe(0);
  });
});

test('the mode changes to sync and back to async', async () => {
  showLogsOnFailure(cluster.lab);
  await setMode('sync', /^ANY 1 \("pg\d~[^,]*"\)$/);
  await setMode('async', /^$/);
});
