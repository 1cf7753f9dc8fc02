import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beyond,
  covers,
  formatGtidState,
  lacking,
  lastOf,
  merge,
  parseGtidState,
  shortened,
  stateAt,
  stateOf,
  type GtidEntry,
  type GtidState,
} from '../../../src/adapters/mysql/gtid-state.ts';

const parsed = (text: string): GtidState => {
  const state = parseGtidState(text);
  if (state === undefined) throw new Error(`not a list of GTIDs: ${text}`);
  return state;
};

/** A tree of reigns in one domain: each leaves an earlier one somewhere and goes on under an id of its own. */
interface Reign {
  readonly leaves: number;
  readonly after: number;
  readonly writes: number;
}
const reigns = fc.array(fc.record({ leaves: fc.nat(100), after: fc.nat(10), writes: fc.integer({ min: 1, max: 6 }) }), {
  minLength: 1,
  maxLength: 8,
});

/** The log of each reign's end as the list of its transactions, oldest first. */
const logsOf = (tree: readonly Reign[]): readonly (readonly string[])[] => {
  const logs: (readonly string[])[] = [];
  for (const [index, { leaves, after, writes }] of tree.entries()) {
    const parent = logs[leaves % Math.max(1, index)] ?? [];
    const kept = parent.slice(0, Math.max(0, parent.length - after));
    const own = Array.from({ length: writes }, (_, n) => `0-${index + 1}-${kept.length + n + 1}`);
    logs.push([...kept, ...own]);
  }
  return logs;
};
const stateOfLog = (log: readonly string[]): GtidState => parsed(log.join(','));

/** Two logs out of one tree, cut anywhere. */
const twoLogs = fc.tuple(reigns, fc.nat(), fc.nat(), fc.nat(), fc.nat()).map(([tree, which, other, end, otherEnd]) => {
  const logs = logsOf(tree);
  const [a, b] = [logs[which % logs.length] ?? [], logs[other % logs.length] ?? []];
  return [a.slice(0, end % (a.length + 1)), b.slice(0, otherEnd % (b.length + 1))] as const;
});

describe('the history of a MariaDB log', () => {
  test('is read as servers write it and keeps the greatest sequence of each domain and server', () => {
    expect(formatGtidState(parsed('0-1-8, 0-2-12,\n1-1-3,0-1-5'))).toBe('0-1-8,0-2-12,1-1-3');
    expect(formatGtidState(parsed(''))).toBe('');
  });

  test.each(['0-1', '0-1-x', '0-1--1', '0-1-2-3', '-0-1-2', '0-1-18446744073709551616', '4294967296-1-1', '0 1 2'])(
    'is not made from %j',
    (text) => {
      expect(parseGtidState(text)).toBeUndefined();
    },
  );

  test('reading never throws', () => {
    const pieces = fc.array(fc.constantFrom('0', '1', '-', ',', '4294967295', '18446744073709551615', ' '));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((all) => all.join('')),
        ),
        (text) => {
          const state = parseGtidState(text);
          if (state !== undefined) expect(parseGtidState(formatGtidState(state))).toEqual(state);
        },
      ),
    );
  });

  test('contains another exactly when every transaction of the other is in it', () => {
    fc.assert(
      fc.property(twoLogs, ([a, b]) => {
        expect(covers(stateOfLog(a), stateOfLog(b))).toBe(b.every((gtid) => a.includes(gtid)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('counts what one log has after the last transaction that both have', () => {
    fc.assert(
      fc.property(twoLogs, ([a, b]) => {
        const shared = b.filter((gtid) => a.includes(gtid)).length;
        expect(lacking(stateOfLog(a), stateOfLog(b))).toBe(BigInt(b.length - shared));
      }),
      { numRuns: 2_000 },
    );
  });

  test('names what the research run found errant, although the other log reaches further', () => {
    const old = parsed('0-1-8,0-2-12,0-3-21');
    const primary = parsed('0-2-12,0-3-19,0-1-23');
    expect(formatGtidState(stateOf(beyond(old, primary)))).toBe('0-3-21');
    expect(covers(primary, old)).toBe(false);
    expect(covers(old, primary)).toBe(false);
  });

  test('at one place of a log is found from what was read before and after', () => {
    const cut = fc.tuple(reigns, fc.nat(), fc.nat(), fc.nat(), fc.nat()).map(([tree, which, first, second, third]) => {
      const logs = logsOf(tree);
      const log = logs[which % logs.length] ?? [];
      const [before = 0, at = 0, after = 0] = [first, second, third]
        .map((n) => n % (log.length + 1))
        .sort((x, y) => x - y);
      return { log, before, at, after };
    });
    fc.assert(
      fc.property(cut, ({ log, before, at, after }) => {
        const place = lastOf(stateOfLog(log.slice(0, at)));
        const found = stateAt(place, stateOfLog(log.slice(0, before)), stateOfLog(log.slice(0, after)));
        expect(formatGtidState(found)).toBe(formatGtidState(stateOfLog(log.slice(0, at))));
      }),
      { numRuns: 2_000 },
    );
  });

  test('that is long keeps its newest entries, and still compares with one that is longer', () => {
    const entry = (n: number): GtidEntry => ({ domain: 0, server: n, sequence: BigInt(n * 10) });
    const hundred = stateOf(Array.from({ length: 100 }, (_, n) => entry(n + 1)));
    const more = merge(hundred, stateOf([entry(101)]));
    expect(shortened(hundred).size).toBe(65);
    expect(covers(shortened(more), shortened(hundred))).toBe(true);
    expect(covers(shortened(hundred), shortened(more))).toBe(false);
    const fork = merge(hundred, stateOf([{ domain: 0, server: 500, sequence: 1_001n }]));
    expect(covers(shortened(more), shortened(fork))).toBe(false);
    expect(covers(shortened(fork), shortened(more))).toBe(false);
    expect(lacking(shortened(hundred), shortened(more))).toBe(10n);
  });
});
