import { describe, expect, test } from 'vitest';
import type { Fault } from '../../sim/faults/faults.ts';
import { LEADER } from '../../sim/faults/kind.ts';
import { simulate, traceHash, type Outcome } from '../../sim/simulate.ts';

/** Clusters of real reducers against models of etcd, databases, guards and clocks: see test/sim. */

/** A taste of them; `npm run sim` runs as many as are wanted. */
const SEEDS = 25;

const plan = { members: 3, ttl: 10_000 };
const run = (...faults: readonly Fault[]): Outcome => simulate({ seed: 7, plan, faults });
const whole = (outcome: Outcome): void => expect(outcome.broken, outcome.lines.join('\n')).toBeUndefined();
const index = (outcome: Outcome, text: string): number => outcome.lines.findIndex((line) => line.includes(text));
/** Seconds at which the first line with this text was noted, after `from` seconds. */
const when = (outcome: Outcome, text: string, from = 0): number =>
  Number(
    outcome.lines
      .find((line) => line.includes(text) && Number.parseFloat(line) >= from)
      ?.trim()
      .split(' ')[0],
  );

describe('a cluster of three', () => {
  test('begins by itself, once', () => {
    const outcome = run();
    whole(outcome);
    expect(outcome.lines.filter((line) => line.includes('PRIMARY'))).toHaveLength(1);
    expect(when(outcome, 'PRIMARY')).toBeLessThan(5);
  });

  test('replaces a lost leader after its silence, and takes it back as a replica', () => {
    const outcome = run({ kind: 'host-crash', at: 20_000, member: LEADER, lasts: 20_000 });
    whole(outcome);
    expect(when(outcome, 'PRIMARY', 20)).toBeLessThan(20 + 10 + 2);
    expect(index(outcome, 'host boots')).toBeGreaterThan(0);
  });

  test('hands over without loss and without waiting for a lease', () => {
    const outcome = run({ kind: 'switchover', at: 20_000, to: undefined });
    whole(outcome);
    expect(outcome.lost).toBe(0);
    expect(when(outcome, 'PRIMARY', 20)).toBeLessThan(23);
    expect(index(outcome, 'runs rewind')).toBe(-1);
  });

  test('starts nothing on the old leader while the answer to the hand-over is missing (D2)', () => {
    const outcome = run(
      { kind: 'lost-answer', at: 20_000, member: LEADER, lasts: 5_000, step: 'hand-over' },
      { kind: 'switchover', at: 20_001, to: undefined },
    );
    whole(outcome);
    expect(outcome.rules).toContain('handover.settle');
    expect(outcome.lost).toBe(0);
    expect(outcome.lines.filter((line) => line.includes('PRIMARY'))).toHaveLength(2);
  });

  test('gets a deleted leader key back to its holder, and nothing else happens', () => {
    const outcome = run({ kind: 'delete-leader', at: 20_000 });
    whole(outcome);
    expect(outcome.lines.filter((line) => line.includes('PRIMARY'))).toHaveLength(1);
    expect(index(outcome, 'leads term')).toBeGreaterThan(0);
  });

  test('restarts a crashed database in place', () => {
    const outcome = run({ kind: 'database-crash', at: 20_000, member: LEADER, leftovers: true });
    whole(outcome);
    expect(when(outcome, 'PRIMARY', 20)).toBeLessThan(23);
    expect(outcome.lost).toBe(0);
  });

  test('fences a leader that is cut off before its deadline, and promotes another after it', () => {
    const outcome = run({ kind: 'cut-all', at: 20_000, member: LEADER, lasts: 25_000 });
    whole(outcome);
    expect(when(outcome, 'safety.fence-without-right', 20)).toBeLessThan(20 + 8);
    expect(when(outcome, 'PRIMARY', 20)).toBeGreaterThan(28);
  });

  test('leaves the fence of a leader whose agent hangs to its guard', () => {
    const outcome = run({ kind: 'agent-freeze', at: 20_000, member: LEADER, lasts: 25_000 });
    whole(outcome);
    expect(when(outcome, 'GUARD FENCES', 20)).toBeLessThan(when(outcome, 'PRIMARY', 20));
  });

  test('writes a heartbeat each interval, and nothing else, when nothing happens', () => {
    const outcome = run();
    whole(outcome);
    expect(outcome.writesAtRest.others).toBe(0);
    expect(outcome.writesAtRest.heartbeats).toBeLessThanOrEqual(8);
  });
});

test(`${SEEDS} seeds of random faults break no promise and heal`, { timeout: 60_000 }, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = simulate({ seed });
    expect(
      outcome.broken,
      `seed ${seed}\n${outcome.broken === undefined ? '' : outcome.lines.join('\n')}`,
    ).toBeUndefined();
  }
});

test('the same seed is the same run, to the last byte', () => {
  for (const seed of [42, 43, 44]) expect(traceHash(simulate({ seed }))).toBe(traceHash(simulate({ seed })));
  expect(traceHash(simulate({ seed: 42 }))).not.toBe(traceHash(simulate({ seed: 43 })));
});
