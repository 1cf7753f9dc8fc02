import { ms, type Ms } from '../core/brand.ts';

/** Lengths of time and sizes as people write them: '10s', '500ms', '16MB'. */

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ['TB', 1024 ** 4],
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['kB', 1024],
  ['B', 1],
];

const scaled = (text: string, units: readonly (readonly [string, number])[]): number | undefined => {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]{1,3})$/.exec(text.trim());
  const unit = units.find(([name]) => name === match?.[2]);
  if (match === null || unit === undefined) return undefined;
  const value = Number(match[1]) * unit[1];
  return Number.isSafeInteger(value) ? value : undefined;
};

/** `10s`, `1.5min`, `500ms` in milliseconds; `undefined` where the text is no such thing or not whole milliseconds. */
export const parseDuration = (text: string): Ms | undefined => {
  const value = scaled(text, DURATION_UNITS);
  return value === undefined ? undefined : ms(value);
};

/** `16MB` (1024 based, as PostgreSQL counts) in bytes. */
export const parseSize = (text: string): number | undefined => scaled(text, SIZE_UNITS);

const formatted = (value: number, units: readonly (readonly [string, number])[], least: string): string => {
  const unit = value === 0 ? undefined : units.find(([, size]) => value % size === 0);
  return unit === undefined ? `${value}${least}` : `${value / unit[1]}${unit[0]}`;
};

/** The shortest text that parses to the same length of time. */
export const formatDuration = (value: number): string => formatted(value, DURATION_UNITS, 'ms');

/** The shortest text that parses to the same size. */
export const formatSize = (bytes: number): string => formatted(bytes, SIZE_UNITS, 'B');
