import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from '../engine/files.ts';
import { segmentName, timelineOfName, type Lsn } from './lsn.ts';
import type { Switch } from './timeline-history.ts';

const SEGMENT_DONE = /^([0-9A-F]{24})\.done$/;

/** How far a log reaches, and by which timelines it came there. */
export interface LogEnd {
  readonly timeline: number;
  readonly lsn: Lsn;
  readonly history: readonly Switch[];
  readonly segmentSize: number;
}

/**
 * Whether a segment is complete and part of this log. One in which a timeline was left is neither: its rest, on other members,
 * holds what did not become part of the history, and the next timeline's segment begins with all that did.
 */
const isWhole = (segment: string, { timeline, lsn, history, segmentSize }: LogEnd): boolean => {
  const own = timelineOfName(segment);
  const end = own === timeline ? lsn : history.find((each) => each.timeline === own)?.end;
  return own !== undefined && end !== undefined && segment < segmentName(own, end, segmentSize);
};

/**
 * Hands the complete segments that this replica received to the archiver it will have as primary: the old primary may have died
 * before it archived them, and a replica calls everything done, also pieces. An archive command must accept a file that it has
 * already. Returns how many.
 */
export const offerSegments = async (dataDir: string, end: LogEnd): Promise<number> => {
  const status = join(dataDir, 'pg_wal', 'archive_status');
  const names = (await readdir(status).catch(ifMissing)) ?? [];
  const present = new Set(await readdir(join(dataDir, 'pg_wal')));
  const segments = names
    .flatMap((name) => SEGMENT_DONE.exec(name)?.[1] ?? [])
    .filter((segment) => present.has(segment) && isWhole(segment, end));
  for (const segment of segments)
    await rename(join(status, `${segment}.done`), join(status, `${segment}.ready`)).catch(ifMissing);
  return segments.length;
};
