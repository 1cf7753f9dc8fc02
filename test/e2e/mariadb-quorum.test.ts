import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createMysqlEngine } from '../../chaos/engines/mysql.ts';
import type { FaultName } from '../../chaos/faults/faults.ts';
import type { ScenarioReport } from '../../chaos/scenarios/report.ts';
import { runScenario } from '../../chaos/scenarios/scenario.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

const TTL_MS = 10_000;
const DEADLINE_MS = 90_000;

const cluster = useLab({ engine: 'mariadb', members: 3, ttlMs: TTL_MS, restartAfterMs: 100 });

const listed = z.object({ members: z.array(z.object({ role: z.string() })) });

/** So many replicas are waited for by every commit, and that is promised. */
const untilPromised = async (voters: number): Promise<void> => {
  const { lab } = cluster;
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  await lab.waitFor(
    `${voters} replicas are promised to have every acknowledged write`,
    async () => {
      const { stdout } = await lab.ctl(['list', '-o', 'json']);
      const found = listed.safeParse(JSON.parse(stdout || '{}'));
      return found.success && found.data.members.filter(({ role }) => role.endsWith('_standby')).length === voters;
    },
    { deadlineMs: DEADLINE_MS },
  );
};

const run = async (scenario: FaultName): Promise<ScenarioReport> => {
  showLogsOnFailure(cluster.lab);
  await untilPromised(2);
  return runScenario({
    lab: cluster.lab,
    engine: createMysqlEngine('mariadb', cluster.lab),
    scenario,
    warmUpMs: 1_000,
    deadlineMs: DEADLINE_MS,
    durable: true,
    progress: () => undefined,
  });
};

const setMode = async (mode: string): Promise<void> => {
  expect(await cluster.lab.ctl(['config', 'set', `replication.mode=${mode}`, '--yes'])).toMatchObject({ code: 0 });
};

test('a running cluster changes from async to quorum, and more than one acknowledgement is refused', async () => {
  const { lab } = cluster;
  showLogsOnFailure(lab);
  await lab.start();
  await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  expect(await lab.ctl(['config', 'set', 'replication.mode=quorum', 'replication.acks=2', '--yes'])).toMatchObject({
    code: expect.not.toBeOneOf([0]),
  });
  await setMode('quorum');
  await untilPromised(2);
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
    expect(report.gapDirectMs).toBeLessThan(TTL_MS);
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
  await setMode('sync');
  await untilPromised(1);
  await setMode('async');
  await untilPromised(0);
});
