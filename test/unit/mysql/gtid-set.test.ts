import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contains,
  countOf,
  formatGtidSet,
  parseGtidSet,
  subtract,
  unionOf,
  type GtidSet,
} from '../../../src/adapters/mysql/gtid-set.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '3e11fa47-71ca-11e1-9e33-c80aa9429563';

const parsed = (text: string): GtidSet => {
  const set = parseGtidSet(text);
  if (set === undefined) throw new Error(`not a set: ${text}`);
  return set;
};

/** A set as the plain list of its transactions: what the algebra is held against. */
const members = fc.uniqueArray(
  fc.record({ source: fc.constantFrom(A, B, `${A}:tag_1`), number: fc.integer({ min: 1, max: 24 }) }),
  { selector: ({ source, number }) => `${source} ${number}`, maxLength: 40 },
);
type Members = readonly { readonly source: string; readonly number: number }[];

const textOf = (list: Members): string => list.map(({ source, number }) => `${source}:${number}`).join(',');
const namesOf = (list: Members): ReadonlySet<string> => new Set(list.map((m) => `${m.source}:${m.number}`));
const namesIn = (set: GtidSet): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const [source, intervals] of set)
    for (const [from, to] of intervals) for (let n = from; n <= to; n += 1n) names.add(`${source}:${n}`);
  return names;
};

describe('a GTID set of MySQL', () => {
  test('is read as servers write it: line breaks, capitals, missing dashes, tags, intervals in any order', () => {
    const text = `${A.toUpperCase()}:5:1-3:4,\n${B.replaceAll('-', '')}:7-7,${A}:Tag_1:2-3:other:1`;
    expect(formatGtidSet(parsed(text))).toBe(`${A}:1-5,${A}:other:1,${A}:tag_1:2-3,${B}:7`);
    expect(formatGtidSet(parsed(''))).toBe('');
  });

  test.each([
    A,
    `${A}:`,
    `${A}:0`,
    `${A}:3-1`,
    `${A}:1-9223372036854775807`,
    `${A}:tag`,
    `${A}:1-2:tag`,
    `${A}:1--2`,
    `${A}:-1`,
    'x:1',
    `${A}:1;drop`,
    `${A}:1`.padEnd(70_000, '1'),
  ])('is not made from %j', (text) => {
    expect(parseGtidSet(text)).toBeUndefined();
  });

  test.each([undefined, null, 7, {}, []])('is not made from the value %j', (raw) => {
    expect(parseGtidSet(raw)).toBeUndefined();
  });

  test('reading never throws, and what it reads it writes so that it reads the same', () => {
    const pieces = fc.array(fc.constantFrom(A, B, ':', ',', '-', '1', '9', 'tag', '\n', '18446744073709551615', '0'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((all) => all.join('')),
        ),
        (text) => {
          const set = parseGtidSet(text);
          if (set !== undefined) expect(parseGtidSet(formatGtidSet(set))).toEqual(set);
        },
      ),
    );
  });

  test('behaves as the set of its transactions does', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const [one, other] = [parsed(textOf(a)), parsed(textOf(b))];
        const [inOne, inOther] = [namesOf(a), namesOf(b)];
        expect(namesIn(one)).toEqual(inOne);
        expect(namesIn(unionOf(one, other))).toEqual(new Set([...inOne, ...inOther]));
        expect(namesIn(subtract(one, other))).toEqual(new Set([...inOne].filter((name) => !inOther.has(name))));
        expect(contains(one, other)).toBe([...inOther].every((name) => inOne.has(name)));
        expect(countOf(one)).toBe(BigInt(inOne.size));
      }),
    );
  });

  test('of the greatest length is handled in a moment', () => {
    const many = `${A}:${Array.from({ length: 9_000 }, (_, n) => 2 * n + 1).join(':')}`;
    const begun = performance.now();
    const set = parsed(many);
    expect(countOf(subtract(set, parsed(`${A}:1-8999`)))).toBe(4_500n);
    expect(contains(set, set)).toBe(true);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
