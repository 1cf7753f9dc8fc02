import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Order, Position } from '../../../src/core/position.ts';
import { formatLsn, lsnAt, parseLsn } from '../../../src/adapters/postgres/lsn.ts';
import { postgresPositions as positions, toPosition } from '../../../src/adapters/postgres/positions.ts';

const at = (timeline: number, lsn: string, history: [number, string][] = [], systemId = '71'): Position => ({
  engine: 'postgresql',
  systemId,
  timeline,
  lsn,
  history: history.map(([each, end]) => ({ timeline: each, end })),
});

/** A tree of timelines as promotions make it: each begins on an older one, at or beyond that one's own beginning. */
interface Tree {
  readonly begin: readonly { readonly parent: number; readonly at: number }[];
}

const tree: fc.Arbitrary<Tree> = fc
  .array(fc.record({ parent: fc.nat(), along: fc.integer({ min: 0, max: 5 }) }), { minLength: 1, maxLength: 6 })
  .map((steps) => {
    const begin: { parent: number; at: number }[] = [{ parent: 0, at: 0 }];
    for (const { parent, along } of steps) {
      const on = (parent % begin.length) + 1;
      begin.push({ parent: on, at: begin[on - 1]!.at + along });
    }
    return { begin };
  });

/** The position `along` bytes after the beginning of a timeline of the tree. */
const pick = (of: Tree, timeline: number, along: number): Position => {
  const history: { timeline: number; end: ReturnType<typeof lsnAt> }[] = [];
  for (let each = timeline; each > 1; each = of.begin[each - 1]!.parent)
    history.unshift({ timeline: of.begin[each - 1]!.parent, end: lsnAt(BigInt(of.begin[each - 1]!.at)) });
  return toPosition({ systemId: '71', timeline, lsn: lsnAt(BigInt(of.begin[timeline - 1]!.at + along)), history });
};

const forest = (count: number): fc.Arbitrary<readonly Position[]> =>
  tree.chain((grown) =>
    fc.array(
      fc
        .record({ timeline: fc.integer({ min: 1, max: grown.begin.length }), along: fc.integer({ min: 0, max: 6 }) })
        .map(({ timeline, along }) => pick(grown, timeline, along)),
      { minLength: count, maxLength: count },
    ),
  );

const reverse: Readonly<Record<Order, Order>> = {
  equal: 'equal',
  ahead: 'behind',
  behind: 'ahead',
  diverged: 'diverged',
};

describe('positions of PostgreSQL', () => {
  it.each([
    ['same timeline and place', at(1, '0/10'), at(1, '0/10'), 'equal'],
    ['same timeline, further', at(1, '0/11'), at(1, '0/10'), 'ahead'],
    ['before the fork', at(1, '0/F'), at(2, '0/20', [[1, '0/10']]), 'behind'],
    ['exactly at the fork', at(1, '0/10'), at(2, '0/10', [[1, '0/10']]), 'behind'],
    ['one byte past the fork', at(1, '0/11'), at(2, '0/20', [[1, '0/10']]), 'diverged'],
    ['two children of one fork', at(3, '0/20', [[1, '0/10']]), at(2, '0/20', [[1, '0/10']]), 'diverged'],
    ['a number alone decides nothing', at(1, 'F/0'), at(2, '0/20', [[1, '0/10']]), 'diverged'],
    ['a skipped number', at(1, '0/10'), at(4, '0/20', [[1, '0/10']]), 'behind'],
    [
      'grandparent',
      at(1, '0/5'),
      at(4, '0/30', [
        [1, '0/10'],
        [2, '0/20'],
      ]),
      'behind',
    ],
    [
      'parent past the second fork',
      at(2, '0/21', [[1, '0/10']]),
      at(4, '0/30', [
        [1, '0/10'],
        [2, '0/20'],
      ]),
      'diverged',
    ],
    ['on a child, before its beginning', at(2, '0/8', [[1, '0/10']]), at(1, '0/8'), 'equal'],
    ['another system', at(1, '0/10'), at(1, '0/10', [], '72'), 'diverged'],
    [
      'history without its oldest part',
      at(4, '0/30', [[2, '0/20']]),
      at(4, '0/31', [
        [1, '0/10'],
        [2, '0/20'],
      ]),
      'behind',
    ],
  ] as const)('%s', (_, a, b, order) => {
    expect(positions.compare(a, b)).toBe(order);
    expect(positions.compare(b, a)).toBe(reverse[order]);
  });

  it('is antisymmetric', () => {
    fc.assert(
      fc.property(forest(2), ([a, b]) => {
        expect(positions.compare(b!, a!)).toBe(reverse[positions.compare(a!, b!)]);
        expect(positions.compare(a!, a!)).toBe('equal');
      }),
    );
  });

  it('is transitive: what is contained in something contained is contained', () => {
    const within = (a: Position, b: Position): boolean => ['equal', 'behind'].includes(positions.compare(a, b));
    fc.assert(
      fc.property(forest(3), ([a, b, c]) => {
        if (within(a!, b!) && within(b!, c!)) expect(within(a!, c!)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('counts as missing exactly what lies beyond the common end', () => {
    expect(positions.distance(at(1, '0/10'), at(1, '0/30'))).toBe(0x20);
    expect(positions.distance(at(1, '0/30'), at(1, '0/10'))).toBe(0);
    expect(positions.distance(at(1, '0/50'), at(2, '0/30', [[1, '0/10']]))).toBe(0x20);
    fc.assert(
      fc.property(forest(2), ([a, b]) => {
        const lacks = positions.distance(a!, b!);
        expect(lacks).toBeGreaterThanOrEqual(0);
        if (['equal', 'ahead'].includes(positions.compare(a!, b!))) expect(lacks).toBe(0);
      }),
    );
  });

  it('survives the way through JSON', () => {
    fc.assert(
      fc.property(forest(1), ([a]) => {
        expect(positions.parse(JSON.parse(JSON.stringify(a)))).toEqual(a);
      }),
    );
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (n) => parseLsn(formatLsn(n)) === n));
  });

  it.each([
    ['another engine', { ...at(1, '0/1'), engine: 'mysql' }],
    ['no object', 'timeline 1'],
    ['a timeline of zero', at(0, '0/1')],
    ['a timeline that is too large', at(2 ** 32, '0/1')],
    ['no log position', at(1, '1')],
    ['a log position that is too long', at(1, '123456789/0')],
    ['a system identifier that is none', at(1, '0/1', [], "1'; drop")],
    ['a history that is not over', at(2, '0/9', [[2, '0/1']])],
    [
      'a history that goes back',
      at(3, '0/9', [
        [1, '0/8'],
        [2, '0/1'],
      ]),
    ],
    [
      'a history that is too long',
      at(
        900,
        '0/9',
        Array.from({ length: 500 }, (_, n) => [n + 1, '0/1'] as [number, string]),
      ),
    ],
  ])('does not take %s', (_, raw) => {
    expect(positions.parse(raw)).toBeUndefined();
    expect(positions.compare(raw as Position, at(1, '0/1'))).toBe('diverged');
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        positions.parse(a);
        positions.compare(a as unknown as Position, b as unknown as Position);
        positions.distance(a as unknown as Position, b as unknown as Position);
      }),
    );
  });
});
