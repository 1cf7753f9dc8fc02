import { describe, expect, test } from 'vitest';
import { findAnomalies, withoutLost, type ListStep, type ListTransaction } from '../../../chaos/checks/lists.ts';

const append = (list: number, value: number): ListStep => ({ kind: 'append', list, value });
const read = (list: number, ...values: readonly number[]): ListStep => ({ kind: 'read', list, values });
const made = (...transactions: readonly (readonly ListStep[])[]): readonly ListTransaction[] =>
  transactions.map((steps, index) => ({ id: index + 1, outcome: 'ok', steps }));
const kinds = (history: readonly ListTransaction[]): readonly string[] =>
  findAnomalies(history).map(({ kind }) => kind);

describe('a history of list appends', () => {
  test('that happened one after the other shows nothing', () => {
    expect(
      kinds(made([append(1, 10)], [read(1, 10), append(2, 20)], [append(1, 11)], [read(1, 10, 11), read(2, 20)])),
    ).toEqual([]);
  });

  test('with a value twice', () => {
    expect(kinds(made([append(1, 10)], [read(1, 10, 10)]))).toContain('duplicate');
  });

  test('with a read of what was not committed', () => {
    const history = made([append(1, 10)], [read(1, 10)]);
    const failed = history.map((one) => (one.id === 1 ? { ...one, outcome: 'fail' as const } : one));
    expect(kinds(failed)).toEqual(['aborted read']);
  });

  test('with a read of what nobody knows the fate of: it was committed', () => {
    const history = made([append(1, 10)], [read(1, 10)]);
    expect(kinds(history.map((one) => (one.id === 1 ? { ...one, outcome: 'info' as const } : one)))).toEqual([]);
  });

  test('with a read in the middle of a transaction', () => {
    expect(kinds(made([append(1, 10), append(1, 11)], [read(1, 10)], [read(1, 10, 11)]))).toContain(
      'intermediate read',
    );
  });

  test('with two readings of which neither continues the other', () => {
    expect(kinds(made([append(1, 10)], [append(1, 11)], [read(1, 10)], [read(1, 11, 10)]))).toContain(
      'incompatible orders',
    );
  });

  test('with writes in a circle', () => {
    const history = made(
      [append(1, 10), append(2, 20)],
      [append(1, 11), append(2, 21)],
      [read(1, 10, 11), read(2, 21, 20)],
    );
    expect(kinds(history)).toEqual(['G0']);
  });

  test('with two transactions that saw each other', () => {
    expect(kinds(made([append(1, 10), read(2, 20)], [append(2, 20), read(1, 10)]))).toEqual(['G1c']);
  });

  test('with two transactions neither of which saw the other (write skew)', () => {
    const history = made([read(1), append(2, 20)], [read(2), append(1, 10)], [read(1, 10), read(2, 20)]);
    expect(kinds(history)).toEqual(['G2']);
  });

  test('with a stale read', () => {
    expect(kinds(made([append(1, 10)], [read(1, 10), append(2, 20)], [read(2, 20), read(1)]))).toEqual(['G2']);
  });
});

test('after a loss only what is left is judged', () => {
  const history = made([append(1, 10)], [append(1, 11)], [read(1, 10, 11)], [append(1, 12)], [read(1, 10, 12)]);
  expect(kinds(history)).toContain('incompatible orders');
  const left = withoutLost(history, new Map([[1, [10, 12]]]));
  expect(left.map(({ id }) => id)).toEqual([1, 4, 5]);
  expect(kinds(left)).toEqual([]);
});
