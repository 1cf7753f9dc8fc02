import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlFile } from './control-file.ts';
import type { Budget } from '../engine/budget.ts';
import { formatLsn, segmentName, type Lsn } from './lsn.ts';
import type { Site } from './site.ts';

/** Where two logs parted, as pg_rewind says it. */
export interface Fork {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/**
 * Keeps the log that a rewind drops: its files from the fork on, as far as `lostTailBytes` allows, and the list of the
 * transactions that end in them. Returns the folder; `undefined` when there was nothing to keep.
 */
export const keepLostTail = async (
  site: Site,
  fork: Fork,
  control: ControlFile,
  budget: Budget,
): Promise<string | undefined> => {
  const { options, paths } = site;
  const wal = join(options.dataDir, 'pg_wal');
  const first = segmentName(fork.timeline, fork.lsn, control.segmentSize);
  const names = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const tail = names.filter((name) => name.slice(0, 8) === first.slice(0, 8) && name >= first).toSorted();
  const kept = tail.slice(0, Math.floor(options.lostTailBytes / control.segmentSize));
  if (kept.length === 0) return undefined;
  const stamp = new Date(options.clock.wall()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const folder = join(paths.lostTails, `lost-${stamp}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of kept) {
    budget.check('keeping the dropped end of the log');
    await copyFile(join(wal, name), join(folder, name));
  }
  const transactions = await listTransactions(site, wal, fork, budget);
  await site.files.write(join(folder, 'transactions.txt'), transactions);
  const lost = transactions.split('\n').filter((line) => line.includes('COMMIT')).length;
  options.log.warn(
    'database.tail_dropped',
    'transactions of the old timeline are dropped by the rewind; their log is kept',
    {
      folder,
      from: `timeline ${fork.timeline} at ${formatLsn(fork.lsn)}`,
      files: kept.length,
      files_not_kept: tail.length - kept.length,
      commits: lost,
    },
  );
  return folder;
};

/** The reader ends with an error where the log ends; what it printed before counts. */
const listTransactions = async (site: Site, wal: string, fork: Fork, budget: Budget): Promise<string> => {
  const args = ['-p', wal, '-t', String(fork.timeline), '-s', formatLsn(fork.lsn), '--rmgr=Transaction'];
  const result = await site.run('pg_waldump', args, budget.part(10_000));
  return result.kind === 'exited' ? result.stdout : '';
};
