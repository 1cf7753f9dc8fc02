import { describe, expect, test } from 'vitest';
import { checkDurability } from '../../../chaos/checks/durability.ts';
import { difference } from '../../../chaos/checks/equality.ts';
import { longestGap } from '../../../chaos/checks/gap.ts';
import { findOverlap } from '../../../chaos/checks/overlap.ts';
import { acksOf, type Ack } from '../../../chaos/workload/history.ts';

const OLD = { server: 'pg1:1', generation: 1 };
const NEW = { server: 'pg2:1', generation: 2 };

const ack = (id: number, invoked: number, origin = OLD, tookMs = 2): Ack => ({
  id,
  writer: 'pg1',
  invoked,
  completed: invoked + tookMs,
  outcome: { kind: 'ok', origin },
});

describe('durability', () => {
  const servers = new Map([
    ['pg1', OLD.server],
    ['pg2', NEW.server],
  ]);

  test('a missing write that another member had shown is lost', () => {
    const seen = new Map([['pg2', new Set([1, 2])]]);
    const result = checkDurability([ack(1, 0), ack(2, 10)], [1], seen, servers);
    expect(result).toEqual({ acked: 2, lost: [2], unreplicated: [], duplicates: [] });
  });

  test('a missing write that only its own server had shown never left it', () => {
    const seen = new Map([
      ['pg1', new Set([1, 2])],
      ['pg2', new Set([1])],
    ]);
    const result = checkDurability([ack(1, 0), ack(2, 10)], [1], seen, servers);
    expect(result).toEqual({ acked: 2, lost: [], unreplicated: [2], duplicates: [] });
  });

  test('an id that is there twice is a duplicate, named once', () => {
    expect(checkDurability([ack(1, 0)], [1, 1, 1, 2], new Map(), servers).duplicates).toEqual([1]);
  });
});

describe('gap', () => {
  const steady = (from: number, to: number, origin = OLD): Ack[] => {
    const acks: Ack[] = [];
    for (let at = from; at < to; at += 20) acks.push(ack(at, at, origin));
    return acks;
  };

  test('is the outage less the usual time between two acknowledgements', () => {
    const acks = [...steady(0, 1_000), ...steady(1_500, 2_000, NEW)];
    expect(longestGap(acks, 990, 2_000)).toMatchObject({ ms: 500, from: 982, to: 1_502 });
  });

  test('is near zero where nothing happened', () => {
    expect(longestGap(steady(0, 1_000), 500, 1_000)?.ms).toBe(0);
  });

  test('before the fault does not count', () => {
    expect(longestGap([...steady(0, 100), ...steady(900, 2_000)], 1_000, 2_000)?.ms).toBe(0);
  });

  test('lasts until the end when nothing was acknowledged any more', () => {
    expect(longestGap(steady(0, 1_000), 990, 5_000)).toMatchObject({ from: 982, to: 5_000 });
  });

  test('is unknown when nothing was acknowledged at all', () => {
    expect(longestGap([], 0, 1_000)).toBeUndefined();
  });
});

describe('overlap', () => {
  test('an older primary that acknowledges what it was sent after the newer one had acknowledged', () => {
    const late = ack(3, 130);
    expect(findOverlap([ack(1, 0), ack(2, 100, NEW), late])).toEqual({ acks: [late], ms: 28 });
  });

  test('an acknowledgement that was only delivered late contradicts nothing', () => {
    expect(findOverlap([ack(1, 90, OLD, 500), ack(2, 100, NEW)])).toEqual({ acks: [], ms: 0 });
  });

  test('a member that led, lost and leads again in a newer generation is no overlap', () => {
    const again = { server: OLD.server, generation: 3 };
    expect(findOverlap([ack(1, 0), ack(2, 100, NEW), ack(3, 200, again)]).acks).toEqual([]);
  });
});

test('acknowledgements are ordered by their arrival, and nothing else is one', () => {
  const failed = { ...ack(3, 5), outcome: { kind: 'fail', code: '25006' } } as const;
  expect(acksOf([ack(2, 10), failed, ack(1, 0)]).map(({ id }) => id)).toEqual([1, 2]);
});

test('contents differ by what only one of two has', () => {
  expect(difference([1, 2, 3], [2, 3, 4])).toEqual([1, 4]);
  expect(difference([1, 2], [2, 1])).toEqual([]);
});
