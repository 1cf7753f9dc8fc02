import { describe, expect, test } from 'vitest';
import { findArchiveHoles, segmentName } from '../../../chaos/checks/archive.ts';
import { wrongTotals } from '../../../chaos/checks/bank.ts';
import { findLeftovers, type MemberFacts } from '../../../chaos/checks/leftovers.ts';
import { findDisorder } from '../../../chaos/checks/order.ts';
import { vanished } from '../../../chaos/checks/reads.ts';
import { findSurvivorsBehindLosses } from '../../../chaos/checks/suffix.ts';
import type { Ack } from '../../../chaos/workload/history.ts';

const ack = (id: number, invoked: number, generation = 1): Ack => ({
  id,
  writer: 'pg1',
  invoked,
  completed: invoked + 2,
  outcome: { kind: 'ok', origin: { server: 'pg1:1', generation } },
});

describe('what was lost is the end of what was acknowledged', () => {
  test('nothing sent afterwards survived: as promised', () => {
    expect(findSurvivorsBehindLosses([ack(1, 0), ack(2, 10), ack(3, 20)], new Set([2, 3]))).toEqual([]);
  });

  test('a survivor behind a loss is a hole', () => {
    expect(findSurvivorsBehindLosses([ack(1, 0), ack(2, 10), ack(3, 20)], new Set([2]))).toEqual([3]);
  });

  test('writes that were under way together may survive one without the other', () => {
    expect(findSurvivorsBehindLosses([ack(1, 0), ack(2, 1)], new Set([1]))).toEqual([]);
  });

  test('another generation is another log', () => {
    expect(findSurvivorsBehindLosses([ack(1, 0), ack(2, 10, 2)], new Set([1]))).toEqual([]);
  });
});

describe('order along the log', () => {
  const row = (id: number, generation: number, position: bigint) => ({ id, generation, position });

  test('a generation after the other, however the rows are given', () => {
    expect(findDisorder([row(3, 2, 30n), row(1, 1, 10n), row(2, 1, 20n)])).toEqual([]);
  });

  test('a row of an older generation behind a newer one', () => {
    expect(findDisorder([row(1, 1, 10n), row(2, 2, 20n), row(3, 1, 30n)])).toEqual([row(3, 1, 30n)]);
  });
});

test('what one look showed and the next did not has vanished, unless nobody asked for it', () => {
  expect(vanished(new Set([1, 2, 3]), [1, 3, 4], 0)).toEqual([2]);
  expect(vanished(new Set([1, 2, 3]), [3, 4], 2)).toEqual([]);
});

test('a sum that is not the sum is named with who showed it', () => {
  const wrong = { member: 'pg2', at: 2, total: 990 };
  expect(wrongTotals([{ member: 'pg1', at: 1, total: 1_000 }, wrong], 1_000)).toEqual([wrong]);
});

describe('leftovers', () => {
  const slot = (name: string, active = true, lost = false) => ({ name, active, lost });
  const member = (name: string, change: Partial<MemberFacts> = {}): MemberFacts => ({
    name,
    primary: name === 'pg1',
    agents: 1,
    guards: 1,
    postmasters: 1,
    copying: 0,
    slots: name === 'pg1' ? [slot('pg2'), slot('pg3')] : [],
    ...change,
  });
  const healthy = [member('pg1'), member('pg2'), member('pg3')];

  test('of a healthy cluster there are none; a replica may keep slots that it does not use', () => {
    expect(findLeftovers([...healthy.slice(0, 2), member('pg3', { slots: [slot('pg2', false)] })])).toEqual([]);
  });

  test('programs that are missing or too many', () => {
    const found = findLeftovers([
      member('pg1', { guards: 2 }),
      member('pg2', { agents: 0 }),
      member('pg3', { copying: 1 }),
    ]);
    expect(found).toHaveLength(3);
    expect(found[0]).toContain('pg1 has 2 of: guard');
  });

  test('slots of the primary that nobody uses, or fewer than replicas', () => {
    const idle = [slot('pg2'), slot('gone', false)];
    expect(findLeftovers([member('pg1', { slots: idle }), ...healthy.slice(1)])).toEqual([
      'pg1 keeps log for nobody: the slot gone is not used',
      'pg1 has 1 slots in use for 2 replicas',
    ]);
  });

  test('a slot whose log is gone, wherever it is', () => {
    expect(findLeftovers([...healthy.slice(0, 2), member('pg3', { slots: [slot('pg2', false, true)] })])).toEqual([
      'pg3 keeps the slot pg2, whose log is gone',
    ]);
  });
});

describe('archive', () => {
  const segments = (timeline: number, from: number, to: number): readonly string[] =>
    Array.from({ length: to - from + 1 }, (_, offset) => segmentName(timeline, BigInt(from + offset)));
  // Timeline 3 left timeline 1 in segment 4 (0/4000028); timeline 2 was never used.
  const histories = new Map([['00000003.history', '1\t0/4000028\tno recovery target specified\n']]);

  test('of one timeline without a gap is whole', () => {
    expect(findArchiveHoles({ files: segments(1, 1, 5), histories: new Map() })).toEqual([]);
  });

  test('names what is missing on the way', () => {
    const files = segments(1, 1, 5).filter((name) => name !== segmentName(1, 3n));
    expect(findArchiveHoles({ files, histories: new Map() })).toEqual(['000000010000000000000003']);
  });

  test('goes from one timeline to the next where the newer one left the older', () => {
    const files = [...segments(1, 1, 3), '000000010000000000000004.partial', ...segments(3, 4, 6), '00000003.history'];
    expect(findArchiveHoles({ files, histories })).toEqual([]);
    const holey = files.filter((name) => name !== segmentName(1, 3n));
    expect(findArchiveHoles({ files: holey, histories })).toEqual([segmentName(1, 3n)]);
  });

  test('a segment of the old timeline does not stand for one of the new', () => {
    const files = [...segments(1, 1, 5), ...segments(3, 5, 6)];
    expect(findArchiveHoles({ files, histories })).toEqual([segmentName(3, 4n)]);
  });

  test('counts across the border of a log file', () => {
    expect(segmentName(1, 256n)).toBe('000000010000000100000000');
    const files = [segmentName(1, 255n), segmentName(1, 257n)];
    expect(findArchiveHoles({ files, histories: new Map() })).toEqual([segmentName(1, 256n)]);
  });
});
