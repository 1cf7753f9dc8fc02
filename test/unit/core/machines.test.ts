import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  beginHandover,
  closesPrimary,
  stepHandover,
  type Handover,
  type HandoverEvent,
} from '../../../src/core/handover.ts';
import { planRejoin } from '../../../src/core/rejoin.ts';
import { simPosition, type SimPosition } from '../../sim/database/positions.ts';
import { instance, instant, name, position, positions } from './support.ts';

const final = position(2, 200);

const events: fc.Arbitrary<HandoverEvent> = fc.oneof(
  fc.constant({ kind: 'checkpointed' } as const),
  fc.constantFrom(final, undefined).map((f) => ({ kind: 'stopped', final: f }) as const),
  fc.constant({ kind: 'step-failed', why: 'it failed' } as const),
  fc
    .constantFrom(
      undefined,
      position(2, 150),
      final,
      simPosition(
        [
          [1, 0],
          [9, 50],
        ],
        80,
      ),
    )
    .map((applied) => ({ kind: 'candidate', applied, instance: instance('blife1') }) as const),
  fc.constant({ kind: 'tick' } as const),
);

const walk = (list: readonly (readonly [HandoverEvent, number])[]): readonly Handover[] => {
  let now = 0;
  const states = [beginHandover(name('b'), 'i1', 'test', instant(0))];
  for (const [event, wait] of list) {
    now += wait;
    states.push(stepHandover(states.at(-1)!, event, instant(now), positions));
  }
  return states;
};

test('the key is moved only after a clean stop with a known end that the candidate has', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.integer({ min: 0, max: 3_000 })), { maxLength: 12 }), (list) => {
      const states = walk(list);
      const at = states.findIndex((h) => h.phase === 'handing-over');
      if (at < 0) return;
      const before = list.slice(0, at).map(([e]) => e);
      expect(before.some((e) => e.kind === 'stopped' && e.final !== undefined)).toBe(true);
      const last = before.at(-1)!;
      expect(last.kind === 'candidate' && last.applied !== undefined && positions.compare(last.applied, final)).toBe(
        'equal',
      );
    }),
    { numRuns: 1_000 },
  );
});

test('a hand-over ends: failed stays failed, a moved key stays moved, and waiting for the candidate has a limit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.integer({ min: 0, max: 3_000 })), { maxLength: 12 }), (list) => {
      const states = walk(list);
      for (const [index, h] of states.entries()) {
        if (h.phase === 'failed' || h.phase === 'handing-over')
          expect(states.slice(index).every((later) => later.phase === h.phase)).toBe(true);
        expect(closesPrimary(h)).toBe(h.phase !== 'checkpointing');
        if (h.phase === 'catching-up')
          expect(stepHandover(h, { kind: 'tick' }, instant(h.until.mono), positions).phase).toBe('failed');
      }
    }),
    { numRuns: 500 },
  );
});

const logs = fc
  .record({ path: fc.constantFrom('1', '12', '13', '123'), at: fc.integer({ min: 0, max: 400 }) })
  .map(({ path, at }): SimPosition => {
    const list = path.split('').map(Number);
    return simPosition(
      list.map((g, index) => [g, index * 100] as const),
      Math.max(at, (list.length - 1) * 100),
    );
  });

test('a leader that is not primary yet is followed where it surely holds all of the own log, and only there', () => {
  fc.assert(
    fc.property(logs, logs, fc.option(logs, { nil: undefined }), (own, leader, reach) => {
      const plan = planRejoin({
        own,
        leader,
        reach,
        positions,
        leaderGeneration: 9,
        rewindObstacles: [],
        failures: 0,
      });
      const held = reach !== undefined && ['equal', 'behind'].includes(positions.compare(own, reach));
      expect(plan.kind).toBe(held ? 'follow' : 'wait');
    }),
    { numRuns: 500 },
  );
});

test('only a log that the leader has all of, or that is ahead on its own history, follows; a fork is never followed (I5)', () => {
  const input = fc.record({
    own: fc.option(logs, { nil: undefined }),
    leader: fc.option(logs, { nil: undefined }),
    leaderGeneration: fc.integer({ min: 1, max: 3 }),
    obstacles: fc.subarray(['checksums are off', 'log removed']),
    failures: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(input, ({ own, leader, leaderGeneration, obstacles, failures }) => {
      const plan = planRejoin({ own, leader, leaderGeneration, positions, rewindObstacles: obstacles, failures });
      const ready = leader !== undefined && positions.generation(leader) >= leaderGeneration;
      expect(plan.kind === 'wait').toBe(!ready || own === undefined);
      if (plan.kind === 'wait' || leader === undefined || own === undefined) return;
      const diverged = positions.compare(own, leader) === 'diverged';
      expect(plan.kind === 'follow').toBe(!diverged);
      if (diverged) expect(plan.kind).toBe(obstacles.length > 0 || failures >= 3 ? 'clone' : 'rewind');
    }),
    { numRuns: 500 },
  );
});
