import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from '../engine/files.ts';
import { historyName, timelineOfName, type Lsn } from './lsn.ts';
import type { Site } from './site.ts';
import { isPlaceholder, parseHistory, placeholderHistory } from './timeline-history.ts';

/** History files of the data directory, by timeline. */
const historyFiles = async (site: Site): Promise<ReadonlyMap<number, string>> => {
  const folder = join(site.options.dataDir, 'pg_wal');
  const names = ((await readdir(folder).catch(ifMissing)) ?? []).filter((name) => name.endsWith('.history'));
  const found = new Map<number, string>();
  for (const name of names) {
    const timeline = timelineOfName(name);
    const text = await readFile(join(folder, name), 'utf8').catch(ifMissing);
    if (timeline !== undefined && text !== undefined) found.set(timeline, text);
  }
  return found;
};

/**
 * Makes PostgreSQL choose exactly `generation` at the next promotion: it takes the number after the first gap, so every number
 * missing between is reserved by a placeholder that cannot be followed (07-review A10). Real files are never touched.
 */
export const reserveTimelines = async (site: Site, own: number, generation: number): Promise<void> => {
  const present = await historyFiles(site);
  for (let timeline = own + 1; timeline < generation; timeline += 1)
    if (!present.has(timeline))
      await site.files.write(join(site.options.dataDir, 'pg_wal', historyName(timeline)), placeholderHistory(own));
};

/**
 * Real timelines that left `own` at or beyond `end`: PostgreSQL would take them for this log's future, and a promotion would
 * write a history that never happened (07-review A10, E8).
 */
export const futureTimelines = async (site: Site, own: number, end: Lsn): Promise<readonly number[]> =>
  [...(await historyFiles(site))]
    .filter(([timeline, text]) => {
      if (timeline <= own || isPlaceholder(text)) return false;
      const left = parseHistory(text)?.find((each) => each.timeline === own);
      return left !== undefined && left.end > end;
    })
    .map(([timeline]) => timeline)
    .toSorted((a, b) => a - b);

/** Takes history files of timelines that this log is not part of out of the server's sight; they are kept in our own folder. */
export const setAside = async (site: Site, timelines: readonly number[]): Promise<void> => {
  const folder = join(site.paths.own, 'foreign-history');
  await site.files.directory(folder);
  for (const timeline of timelines) {
    const from = join(site.options.dataDir, 'pg_wal', historyName(timeline));
    const text = await readFile(from, 'utf8').catch(ifMissing);
    if (text !== undefined) await site.files.write(join(folder, historyName(timeline)), text);
    await site.files.remove(from);
  }
};

/**
 * Placeholders of a promotion that did not come about would make the next start fail ("not a child of this server's
 * history"). They stay where a real timeline lies above them: then they bridge its gap.
 */
export const dropIdlePlaceholders = async (site: Site, own: number): Promise<void> => {
  const present = await historyFiles(site);
  const newestReal = Math.max(
    own,
    ...[...present].filter(([, text]) => !isPlaceholder(text)).map(([timeline]) => timeline),
  );
  for (const [timeline, text] of present)
    if (timeline > newestReal && isPlaceholder(text))
      await rm(join(site.options.dataDir, 'pg_wal', historyName(timeline)), { force: true });
};
