import { describe, expect, test } from 'vitest';
import { createPostgresEngine } from '../../chaos/engines/postgres.ts';
import type { StrikeName } from '../../chaos/faults/strikes.ts';
import { runScenario } from '../../chaos/scenarios/scenario.ts';
import { showLogsOnFailure, useLab } from './cluster.ts';

/** Enough for a restarted agent to be back in time on a busy machine. */
const TTL_MS = 4_000;
const DEADLINE_MS = 60_000;

const cluster = useLab({ engine: 'postgres', members: 3, haproxy: false, ttlMs: TTL_MS, restartAfterMs: 100 });

test('a cluster of three is there', async () => {
  showLogsOnFailure(cluster.lab);
  await cluster.lab.start();
  await cluster.lab.waitForHealthy({ deadlineMs: DEADLINE_MS });
});

/** Those of the table that differ from each other; `npm run chaos -- --scenario states` does all of it. */
const chosen: readonly StrikeName[] = [
  'promotion/agent-kill',
  'promotion/agent-freeze',
  'promotion/database-kill',
  'rewind/agent-kill',
  'rewind/database-kill',
  'clone/database-freeze',
  'start/agent-kill',
  'start/database-freeze',
  'stop/agent-kill',
  'stop/guard-freeze',
  'handing-over/database-freeze',
  'handed-over/agent-freeze',
  'taking-over/agent-kill',
  'taking-over/guard-kill',
];

/** A state may be over before the signal is there: how often it is tried to catch one. Every try must end well. */
const TRIES = 4;

describe('one primary, nothing lost that another member had, and all members back, when', () => {
  const strike = async (scenario: StrikeName): Promise<boolean> => {
    const { lab } = cluster;
    const said: string[] = [];
    const report = await runScenario({
      lab,
      engine: createPostgresEngine(lab),
      scenario,
      warmUpMs: 300,
      deadlineMs: DEADLINE_MS,
      progress: (line) => said.push(line),
    });
    expect(report, said.join('\n')).toMatchObject({
      problems: [],
      lost: 0,
      duplicates: 0,
      dualWrites: 0,
      weakAcks: 0,
    });
    return said.some((line) => /^SIG\w+ to [1-9]/.test(line));
  };

  for (const scenario of chosen)
    test(`it was struck: ${scenario}`, { timeout: TRIES * 120_000 }, async () => {
      showLogsOnFailure(cluster.lab);
      let caught = false;
      for (let tries = 0; tries < TRIES && !caught; tries += 1) caught = await strike(scenario);
      expect(caught, `not caught in ${TRIES} tries`).toBe(true);
    });
});
