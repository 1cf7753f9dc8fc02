/**
 * Whether an archive can bring a server from its first file to its last (PostgreSQL's names: 8 hexadecimal digits each of
 * timeline, log and segment; `.history` files name where a timeline left its parent).
 */
export interface Archived {
  readonly files: readonly string[];
  /** The text of every `.history` file by its name. */
  readonly histories: ReadonlyMap<string, string>;
}

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const SEGMENT_BYTES = 16n * 1024n ** 2n;
const SEGMENTS_IN_A_LOG = 2n ** 32n / SEGMENT_BYTES;

interface Segment {
  readonly timeline: number;
  readonly number: bigint;
}

const segmentOf = (name: string): Segment | undefined => {
  const [, timeline, log, part] = SEGMENT.exec(name) ?? [];
  if (timeline === undefined) return undefined;
  return { timeline: Number(`0x${timeline}`), number: BigInt(`0x${log}`) * SEGMENTS_IN_A_LOG + BigInt(`0x${part}`) };
};

const hex = (value: number | bigint): string => value.toString(16).toUpperCase().padStart(8, '0');

export const segmentName = (timeline: number, number: bigint): string =>
  `${hex(timeline)}${hex(number / SEGMENTS_IN_A_LOG)}${hex(number % SEGMENTS_IN_A_LOG)}`;

/** Timelines from the oldest on, each with the segment in which it begins. */
const chainOf = (timeline: number, history: string | undefined): readonly Segment[] => {
  const chain: Segment[] = [];
  let from = 0n;
  for (const line of (history ?? '').split('\n')) {
    const [, parent, high, low] = /^(\d+)\s+([0-9A-F]+)\/([0-9A-F]+)/.exec(line) ?? [];
    if (parent === undefined) continue;
    chain.push({ timeline: Number(parent), number: from });
    from = (BigInt(`0x${high}`) * 2n ** 32n + BigInt(`0x${low}`)) / SEGMENT_BYTES;
  }
  return [...chain, { timeline, number: from }];
};

/** The names of the segments that are missing between the first and the last of the newest timeline's own history. */
export const findArchiveHoles = ({ files, histories }: Archived): readonly string[] => {
  const segments = files.flatMap((name) => segmentOf(name) ?? []);
  const newest = Math.max(0, ...segments.map(({ timeline }) => timeline));
  const chain = chainOf(newest, histories.get(`${hex(newest)}.history`));
  const timelineAt = (number: bigint): number =>
    chain.findLast((link) => link.number <= number)?.timeline ?? chain[0]?.timeline ?? newest;
  const own = segments.filter(({ timeline, number }) => timelineAt(number) === timeline).map(({ number }) => number);
  const present = new Set(own);
  const last = own.reduce((highest, number) => (number > highest ? number : highest), 0n);
  const holes: string[] = [];
  for (let number = own.reduce((lowest, found) => (found < lowest ? found : lowest), last); number < last; number += 1n)
    if (!present.has(number)) holes.push(segmentName(timelineAt(number), number));
  return holes;
};
