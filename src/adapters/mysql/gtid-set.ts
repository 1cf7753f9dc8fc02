/**
 * MySQL's sets of transactions (`uuid:1-77:80,uuid:tag:1-3`), as the server's manual defines them under "GTID Sets". Numbers are
 * bigints: they go to 2^63-2.
 */

/** From and to, both inside. */
export type Interval = readonly [bigint, bigint];

/** Growing intervals that neither meet nor overlap, by source: `uuid` or `uuid:tag`, in lower case. */
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

/** No position of ours comes near; what is longer was not made by a server that we manage. */
const LONGEST = 65_536;
const LARGEST = 2n ** 63n - 2n;

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^([0-9]{1,19})(?:-([0-9]{1,19}))?$/;

const dashed = (uuid: string): string => {
  const hex = uuid.replaceAll('-', '');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

const parseInterval = (text: string): Interval | undefined => {
  const found = INTERVAL.exec(text);
  if (found === null) return undefined;
  const from = BigInt(found[1] ?? 0);
  const to = BigInt(found[2] ?? found[1] ?? 0);
  return from >= 1n && from <= to && to <= LARGEST ? [from, to] : undefined;
};

/** Sorted, and joined where they meet. */
const joined = (intervals: readonly Interval[]): readonly Interval[] => {
  const result: Interval[] = [];
  for (const [from, to] of intervals.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    const last = result.at(-1);
    if (last === undefined || from > last[1] + 1n) result.push([from, to]);
    else if (to > last[1]) result[result.length - 1] = [last[0], to];
  }
  return result;
};

const setOf = (parts: Iterable<readonly [string, readonly Interval[]]>): GtidSet => {
  const collected = new Map<string, Interval[]>();
  for (const [source, intervals] of parts) {
    const list = collected.get(source) ?? [];
    for (const interval of intervals) list.push(interval);
    collected.set(source, list);
  }
  return new Map(
    [...collected]
      .filter(([, intervals]) => intervals.length > 0)
      .map(([source, intervals]) => [source, joined(intervals)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
};

/** Reads a set as a server writes it, line breaks included; `undefined` for everything that is none. Total. */
export const parseGtidSet = (raw: unknown): GtidSet | undefined => {
  if (typeof raw !== 'string' || raw.length > LONGEST) return undefined;
  const parts: (readonly [string, readonly Interval[]])[] = [];
  for (const piece of raw.toLowerCase().replaceAll(/\s/g, '').split(',')) {
    if (piece === '') continue;
    const [uuid = '', ...rest] = piece.split(':');
    if (!UUID.test(uuid) || rest.length === 0) return undefined;
    let source = dashed(uuid);
    for (const each of rest) {
      const interval = parseInterval(each);
      if (interval !== undefined) parts.push([source, [interval]]);
      else if (TAG.test(each)) source = `${dashed(uuid)}:${each}`;
      else return undefined;
    }
    // A tag with nothing behind it names no transaction.
    if (TAG.test(rest.at(-1) ?? '') && parseInterval(rest.at(-1) ?? '') === undefined) return undefined;
  }
  return setOf(parts);
};

/** The text that servers and `parseGtidSet` read; empty for the empty set. */
export const formatGtidSet = (set: GtidSet): string =>
  [...set]
    .map(([source, intervals]) =>
      [source, ...intervals.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`))].join(':'),
    )
    .join(',');

export const unionOf = (a: GtidSet, b: GtidSet): GtidSet => setOf([...a, ...b]);

/** Both lists grow, so one pass over both is enough. */
const without = (intervals: readonly Interval[], gone: readonly Interval[]): readonly Interval[] => {
  const left: Interval[] = [];
  let next = 0;
  for (const [from, to] of intervals) {
    let begin = from;
    while ((gone[next]?.[1] ?? LARGEST) < begin) next += 1;
    for (let at = next; ; at += 1) {
      const hole = gone[at];
      if (hole === undefined || hole[0] > to) break;
      if (hole[0] > begin) left.push([begin, hole[0] - 1n]);
      begin = hole[1] + 1n;
      next = at;
    }
    if (begin <= to) left.push([begin, to]);
  }
  return left;
};

/** What is in `a` and not in `b` (the server's GTID_SUBTRACT). */
export const subtract = (a: GtidSet, b: GtidSet): GtidSet =>
  setOf([...a].map(([source, intervals]) => [source, without(intervals, b.get(source) ?? [])] as const));

/** All of `part` is in `whole` (the server's GTID_SUBSET). */
export const contains = (whole: GtidSet, part: GtidSet): boolean => subtract(part, whole).size === 0;

/** How many transactions the set names. */
export const countOf = (set: GtidSet): bigint =>
  [...set.values()].flat().reduce((sum, [from, to]) => sum + to - from + 1n, 0n);
