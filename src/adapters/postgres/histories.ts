import { join } from 'node:path';
import { readIfThere } from '../engine/files.ts';
import { historyName, type Lsn } from './lsn.ts';
import type { Reach } from './positions.ts';
import { isPlaceholder, parseHistory, type Switch } from './timeline-history.ts';

/** What the data directory knows of how a timeline came about. */
export interface Histories {
  /** Empty for the first timeline, and where the file is missing. A timeline's history never changes, so it is read once. */
  of(timeline: number): Promise<readonly Switch[]>;
  reach(systemId: string, timeline: number, lsn: Lsn): Promise<Reach>;
  forget(): void;
}

export const createHistories = (dataDir: string): Histories => {
  const known = new Map<number, readonly Switch[]>();
  const read = async (timeline: number): Promise<readonly Switch[] | undefined> => {
    const text = await readIfThere(join(dataDir, 'pg_wal', historyName(timeline)));
    return text === undefined || isPlaceholder(text) ? undefined : parseHistory(text);
  };
  const of: Histories['of'] = async (timeline) => {
    if (timeline <= 1) return [];
    const before = known.get(timeline);
    if (before !== undefined) return before;
    const found = await read(timeline);
    if (found !== undefined) known.set(timeline, found);
    return found ?? [];
  };
  return {
    of,
    reach: async (systemId, timeline, lsn) => ({ systemId, timeline, lsn, history: await of(timeline) }),
    forget: () => known.clear(),
  };
};
