import type { Brand } from '../../core/brand.ts';

/** A byte position in PostgreSQL's log (64 bits). Says nothing without the timeline it lies on. */
export type Lsn = Brand<bigint, 'Lsn'>;

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Any number as a log position, cut to the 64 bits that one has. */
export const lsnAt = (bytes: bigint): Lsn => brandLsn(BigInt.asUintN(64, bytes));

const isLsn = (value: bigint): value is Lsn => value >= 0n;
const brandLsn = (value: bigint): Lsn => {
  if (!isLsn(value)) throw new RangeError(`a log position cannot be negative: ${value}`);
  return value;
};

/** Parses PostgreSQL's notation (`16/B374D848`); `undefined` for anything else. */
export const parseLsn = (text: unknown): Lsn | undefined => {
  const found = typeof text === 'string' ? LSN.exec(text) : null;
  if (found === null) return undefined;
  return lsnAt((BigInt(`0x${found[1]}`) << 32n) | BigInt(`0x${found[2]}`));
};

/** PostgreSQL's own notation, upper case, without leading zeros: one text for each position. */
export const formatLsn = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();

/** The later of two positions of one timeline, where either may be unknown. */
export const laterLsn = (a: Lsn | undefined, b: Lsn | undefined): Lsn | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
};

const hex8 = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, '0');

/** The name of the log file of `timeline` that holds the byte at `lsn`; `segmentSize` in bytes. */
export const segmentName = (timeline: number, lsn: bigint, segmentSize: number): string => {
  const size = BigInt(segmentSize);
  const perId = 0x1_0000_0000n / size;
  const segment = lsn / size;
  return hex8(BigInt(timeline)) + hex8(segment / perId) + hex8(segment % perId);
};

/** The name of a timeline's history file. */
export const historyName = (timeline: number): string => `${hex8(BigInt(timeline))}.history`;

/** The timeline that a log file's or history file's name begins with; `undefined` when it has no such name. */
export const timelineOfName = (name: string): number | undefined =>
  /^[0-9A-F]{8}([0-9A-F]{16}(\.partial)?|\.history)$/.test(name) ? Number.parseInt(name.slice(0, 8), 16) : undefined;
