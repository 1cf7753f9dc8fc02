import { expect, test } from 'vitest';
import { isGone } from '../../../src/adapters/postgres/missing-log.ts';

test('log is gone where later segments are there and it is not', () => {
  expect(isGone('0000000000000004', ['0000000000000006', '0000000000000005'])).toBe(true);
});

test('log that is there, or not written yet, is not gone', () => {
  expect(isGone('0000000000000004', ['0000000000000004', '0000000000000005'])).toBe(false);
  expect(isGone('0000000000000007', ['0000000000000004', '0000000000000005'])).toBe(false);
  expect(isGone('0000000000000007', [])).toBe(false);
});
