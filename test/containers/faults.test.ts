import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createPostgresEngine } from '../../chaos/engines/postgres.ts';
import type { FaultName } from '../../chaos/faults/faults.ts';
import { createContainerLab } from '../../chaos/lab/container-lab.ts';
import type { Lab } from '../../chaos/lab/lab.ts';
import { runScenario } from '../../chaos/scenarios/scenario.ts';
import type { ScenarioReport } from '../../chaos/scenarios/report.ts';
import { whyNoContainers } from './hosts.ts';

/** Enough for a restarted agent to be back in time on a busy machine. */
const TTL_MS = 5_000;
const DEADLINE_MS = 60_000;

const unable = whyNoContainers();
if (unable !== undefined) console.warn(`no container is tested: ${unable}`);

describe.skipIf(unable !== undefined)('a cluster whose hosts are containers', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createContainerLab({ members: 3, etcd: 3, ttlMs: TTL_MS });
    await lab.start();
    await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  });
  afterAll(async () => {
    await lab.stop();
  });

  const run = (scenario: FaultName): Promise<ScenarioReport> => {
    onTestFailed(() => console.log(lab.logTail(40)));
    return runScenario({
      lab,
      engine: createPostgresEngine(lab),
      scenario,
      warmUpMs: 1_000,
      deadlineMs: DEADLINE_MS,
      progress: () => undefined,
    });
  };

  test('hands over', async () => {
    const report = await run('switchover');
    expect(report.problems).toEqual([]);
    expect(report.newPrimary).not.toBe(report.oldPrimary);
    expect(report.unreplicated).toBe(0);
  });

  test('survives the loss of the whole host of the primary, and takes it back', async () => {
    const report = await run('kill');
    expect(report.problems).toEqual([]);
    expect(report.newPrimary).not.toBe(report.oldPrimary);
  });

  test('never has two primaries that take writes when the primary is cut off from etcd and the others', async () => {
    const report = await run('partition');
    expect(report.problems).toEqual([]);
    expect(report.newPrimary).not.toBe(report.oldPrimary);
    expect(report.dualWrites).toBe(0);
  });

  test('survives a host that is held past its ttl and wakes up', async () => {
    const report = await run('freeze');
    expect(report.problems).toEqual([]);
    expect(report.newPrimary).not.toBe(report.oldPrimary);
  });

  test('loses packets in one direction only, and none after the healing', async () => {
    const [from, to] = lab.members;
    if (from === undefined || to === undefined) throw new Error('the lab has no two members');
    await lab.cut(['clients'], [to.name]);
    expect(await lab.get(to.name, '/liveness')).toBeUndefined();
    expect(await lab.get(from.name, '/liveness')).toMatchObject({ status: 200 });
    await lab.heal();
    expect(await lab.get(to.name, '/liveness')).toMatchObject({ status: 200 });
    await lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
  });
});
