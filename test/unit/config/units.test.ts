import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/config/units.ts';

describe('durations', () => {
  it.each([
    ['10s', 10_000],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['2 min', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
  ])('%s is %d ms', (text, value) => expect(parseDuration(text)).toBe(value));

  it.each(['10', '', 's', '-1s', '1e3s', '10 seconds', '1.2345s', '10S', '0.5ms', '99999999999999d'])(
    '%j is refused',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  it('are written so that they read the same', () => {
    fc.assert(fc.property(fc.nat(), (value) => parseDuration(formatDuration(value)) === value));
  });
});

describe('sizes', () => {
  it.each([
    ['16MB', 16 * 1024 ** 2],
    ['1kB', 1024],
    ['3B', 3],
    ['1TB', 1024 ** 4],
  ])('%s is %d bytes', (text, value) => expect(parseSize(text)).toBe(value));

  it.each(['16', '16mb', '1KB', 'MB'])('%j is refused', (text) => expect(parseSize(text)).toBeUndefined());

  it('are written so that they read the same', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => parseSize(formatSize(value)) === value || value > 1e12));
  });
});
