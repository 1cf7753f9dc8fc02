import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ms, revision } from '../../../src/core/brand.ts';
import { elapsedAtLeast, elapsedAtMost, remaining, type Instant } from '../../../src/core/instant.ts';
import { deadlineFrom, seenHeartbeat, silenceLeft } from '../../../src/core/reign.ts';
import {
  DEFAULT_TIMING,
  LONGEST_TTL,
  rightOf,
  SHORTEST_TTL,
  silenceFor,
  timingFaults,
  timingForTtl,
  type Timing,
} from '../../../src/core/timing.ts';
import { heartbeat, keyed } from './support.ts';

/** A host's two clocks, as functions of true time: a rate error within the drift, and suspends that only `boot` counts. */
const clocks = fc.record({
  error: fc.double({ min: -1, max: 1, noNaN: true }),
  offset: fc.integer({ min: 0, max: 1_000_000 }),
  suspends: fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 60_000 }), lasts: fc.integer({ min: 1, max: 30_000 }) }),
    {
      maxLength: 3,
    },
  ),
});
type Clocks = typeof clocks extends fc.Arbitrary<infer T> ? T : never;

const readAt = (c: Clocks, drift: number, time: number): Instant => {
  const rate = 1 + c.error * drift;
  const asleep = c.suspends.reduce((sum, s) => sum + Math.max(0, Math.min(time, s.at + s.lasts) - s.at), 0);
  return { mono: c.offset + (time - Math.min(asleep, time)) * rate, boot: c.offset + time * rate };
};

const timings = fc.integer({ min: SHORTEST_TTL, max: LONGEST_TTL }).map((ttl) => timingForTtl(ms(ttl)));

test('the holder stops before any challenger may begin, whatever their clocks, suspends and delays', () => {
  const times = fc.record({
    sent: fc.integer({ min: 0, max: 20_000 }),
    way: fc.integer({ min: 0, max: 5_000 }),
    look: fc.integer({ min: 0, max: 30_000 }),
  });
  fc.assert(
    fc.property(timings, clocks, clocks, times, (timing, holder, challenger, { sent, way, look }) => {
      const deadline = deadlineFrom(readAt(holder, timing.drift, sent), timing);
      const beat = keyed(heartbeat({ ttl: timing.ttl }), 20);
      const seen = seenHeartbeat(undefined, beat, readAt(challenger, timing.drift, sent + way + look));
      // At every true moment at which the challenger's silence is complete, the holder's right has ended.
      for (let time = sent; time < sent + 250_000; time += 997) {
        const left = silenceLeft(seen, timing.drift, readAt(challenger, timing.drift, time));
        if (time > sent + way + look && left === 0)
          expect(remaining(deadline, readAt(holder, timing.drift, time))).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns: 300 },
  );
});

test('a right that was counted by the smaller of the clocks, or by a faster clock, would overlap: the property can fail', () => {
  const asleep: Clocks = { error: 0, offset: 0, suspends: [{ at: 100, lasts: 20_000 }] };
  const deadline = deadlineFrom(readAt(asleep, 0.001, 0), DEFAULT_TIMING);
  const now = readAt(asleep, 0.001, 15_000);
  expect(deadline.mono - now.mono).toBeGreaterThan(0);
  expect(remaining(deadline, now)).toBeLessThan(0);
});

test('elapsed time is counted long by the holder and short by the challenger', () => {
  fc.assert(
    fc.property(clocks, fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 0, max: 50_000 }), (c, from, for_) => {
      const [a, b] = [readAt(c, 0.001, from), readAt(c, 0.001, from + for_)];
      expect(elapsedAtMost(a, b)).toBeGreaterThanOrEqual(elapsedAtLeast(a, b));
      expect(elapsedAtMost(a, b)).toBeGreaterThanOrEqual(for_ * 0.999 - 1e-6);
      expect(elapsedAtLeast(a, b)).toBeLessThanOrEqual(for_ * 1.001 + 1e-6);
    }),
  );
});

test('the same heartbeat keeps its first sight, another one begins the silence anew', () => {
  const first = seenHeartbeat(undefined, keyed(heartbeat(), 20), { mono: 5, boot: 5 });
  expect(seenHeartbeat(first, keyed(heartbeat(), 20), { mono: 99, boot: 99 })).toBe(first);
  expect(seenHeartbeat(first, keyed(heartbeat(), 21), { mono: 99, boot: 99 }).since.mono).toBe(99);
  expect(seenHeartbeat(undefined, undefined, { mono: 5, boot: 5 })).toMatchObject({
    revision: revision(0n),
    ttl: LONGEST_TTL,
  });
});

test('the timing of every permitted ttl holds the inequality, and leaves the holder a right to act in', () => {
  fc.assert(
    fc.property(timings, (timing) => {
      expect(timingFaults(timing)).toEqual([]);
      expect(rightOf(timing)).toBeGreaterThan(
        timing.heartbeatInterval + 2 * timing.callTimeout + timing.fenceBudget - 1,
      );
      expect(silenceFor(timing.ttl, timing.drift)).toBeGreaterThan(rightOf(timing));
    }),
  );
});

test('a timing that cannot hold is refused by the inequality that fails', () => {
  const change = fc.record({
    key: fc.constantFrom('heartbeatInterval', 'callTimeout', 'fenceBudget', 'margin' as const),
    by: fc.integer({ min: 4_000, max: 100_000 }),
  });
  fc.assert(
    fc.property(change, ({ key, by }) => {
      const broken: Timing = { ...DEFAULT_TIMING, [key]: ms(DEFAULT_TIMING[key as 'margin'] + by) };
      expect(timingFaults(broken).join()).toContain('heartbeat_interval + 2 x call_timeout + fence_budget + margin');
    }),
  );
  expect(timingFaults({ ...DEFAULT_TIMING, ttl: ms(100) }).join()).toContain('ttl must be from');
  expect(timingFaults({ ...DEFAULT_TIMING, margin: ms(0) }).join()).toContain('margin must be more than 0');
  expect(timingFaults({ ...DEFAULT_TIMING, drift: 1 }).join()).toContain('drift must be');
});
