import { describe, expect, test } from 'vitest';
import { parseGtidSet } from '../../../src/adapters/mysql/gtid-set.ts';
import { parseGtidState } from '../../../src/adapters/mysql/gtid-state.ts';
import {
  mariadbPositions,
  mysqlPositions,
  toMariadbPosition,
  toMysqlPosition,
} from '../../../src/adapters/mysql/positions.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '3e11fa47-71ca-11e1-9e33-c80aa9429563';
const mysql = (gtids: string, generation = 2) => toMysqlPosition(parseGtidSet(gtids)!, generation);
const mariadb = (gtids: string, generation = 2) => toMariadbPosition(parseGtidState(gtids)!, generation);

describe.each([
  { algebra: mysqlPositions, low: mysql(`${A}:1-5`), high: mysql(`${A}:1-7`, 3), fork: mysql(`${A}:1-5,${B}:1`) },
  { algebra: mariadbPositions, low: mariadb('0-1-5'), high: mariadb('0-1-7', 3), fork: mariadb('0-1-5,0-2-6') },
])('positions of $low.engine', ({ algebra, low, high, fork }) => {
  test('are ordered by what they contain', () => {
    expect(algebra.compare(low, low)).toBe('equal');
    expect(algebra.compare(high, low)).toBe('ahead');
    expect(algebra.compare(low, high)).toBe('behind');
    expect(algebra.compare(high, fork)).toBe('diverged');
    expect(algebra.distance(low, high)).toBe(2);
    expect(algebra.distance(high, low)).toBe(0);
    expect(algebra.distance(fork, high)).toBe(2);
  });

  test('carry the generation of the newest promotion', () => {
    expect(algebra.generation(high)).toBe(3);
    expect(algebra.describe(high)).toContain('generation 3');
  });

  test('survive the way through JSON, and nothing else is taken for one', () => {
    expect(algebra.parse(JSON.parse(JSON.stringify(high)))).toEqual(high);
    for (const raw of [
      undefined,
      null,
      7,
      'text',
      [],
      {},
      { ...high, engine: 'postgresql' },
      { ...high, gtids: 'nonsense' },
      { ...high, gtids: 7 },
      { ...high, generation: -1 },
      { ...high, generation: 1.5 },
      { ...high, generation: '3' },
    ])
      expect(algebra.parse(raw)).toBeUndefined();
    expect(algebra.parse({ ...high, more: 'x' })).toEqual(high);
  });

  test('that are none compare as diverged and never throw', () => {
    const none = { engine: 'other' };
    expect(algebra.compare(none, high)).toBe('diverged');
    expect(algebra.distance(none, high)).toBe(0);
    expect(algebra.describe(none)).toBe('unreadable');
    expect(algebra.generation(none)).toBe(0);
  });
});
