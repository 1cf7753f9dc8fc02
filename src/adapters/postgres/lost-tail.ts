import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LostTail } from '../../core/database.ts';
import type { Budget } from '../engine/budget.ts';
import type { ControlFile } from './control-file.ts';
import { formatLsn, laterLsn, segmentName, type Lsn } from './lsn.ts';
import type { Site } from './site.ts';

/** Where two logs parted, as pg_rewind says it. */
export interface Fork {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/** One transaction of a dropped log, in the order of their ends. */
interface Transaction {
  readonly xid: string;
  readonly lsn: string;
  readonly outcome: 'commit' | 'abort' | 'prepare';
  /** The old primary's wall clock, where it was written down. */
  readonly at: string | undefined;
}

const RECORD =
  /tx:\s*(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+).*?desc: (COMMIT|COMMIT_PREPARED|ABORT|ABORT_PREPARED|PREPARE)\b[^]*?(\d{4}-\d\d-\d\d [\d:.]+ \S+)?(;|$)/;

/** Reads what `pg_waldump --rmgr=Transaction` printed; lines that are no end of a transaction are left out. */
export const parseTransactions = (output: string): readonly Transaction[] =>
  output.split('\n').flatMap((line) => {
    const found = RECORD.exec(line);
    if (found === null) return [];
    const [, xid = '', lsn = '', what = '', at] = found;
    const outcome = what.startsWith('COMMIT') ? 'commit' : what.startsWith('ABORT') ? 'abort' : 'prepare';
    return [{ xid, lsn, outcome, at }];
  });

/** Where the log of a server ends that has stopped: recovered as a replica, it goes on from its last checkpoint to there. */
const endOf = (control: ControlFile): Lsn => laterLsn(control.checkpoint, control.minRecoveryEnd) ?? control.checkpoint;

/**
 * Keeps the log that a rewind drops: its files from the fork on, as far as `lostTailBytes` allows, and the list of the transactions that
 * end in them (`lost.json`, and as the reader printed them in `transactions.txt`). Nothing where no log lies beyond the fork.
 */
export const keepLostTail = async (site: Site, fork: Fork, control: ControlFile, budget: Budget): Promise<void> => {
  const { options, paths } = site;
  const wal = join(options.dataDir, 'pg_wal');
  const first = segmentName(fork.timeline, fork.lsn, control.segmentSize);
  const names = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const tail = names.filter((name) => name.slice(0, 8) === first.slice(0, 8) && name >= first).toSorted();
  if (tail.length === 0) return;
  const kept = tail.slice(0, Math.floor(options.lostTailBytes / control.segmentSize));
  const stamp = new Date(options.clock.wall()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const folder = join(paths.lostTails, `lost-${stamp}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of kept) {
    budget.check('keeping the dropped end of the log');
    await copyFile(join(wal, name), join(folder, name));
  }
  const printed = await listTransactions(site, wal, fork, budget);
  const transactions = parseTransactions(printed);
  const dropped: LostTail = {
    folder,
    generation: fork.timeline,
    from: formatLsn(fork.lsn),
    bytes: Number(endOf(control) > fork.lsn ? endOf(control) - fork.lsn : 0n),
    commits: transactions.filter((each) => each.outcome === 'commit').length,
  };
  await site.files.write(join(folder, 'transactions.txt'), printed);
  await site.files.write(join(folder, 'lost.json'), `${JSON.stringify({ ...dropped, transactions }, undefined, 2)}\n`);
  options.log.warn(
    'database.tail_dropped',
    'transactions of the old timeline are dropped by the rewind; their log is kept',
    { ...dropped, files: kept.length, files_not_kept: tail.length - kept.length },
  );
};

/** The reader ends with an error where the log ends; what it printed before counts. */
const listTransactions = async (site: Site, wal: string, fork: Fork, budget: Budget): Promise<string> => {
  const args = ['-p', wal, '-t', String(fork.timeline), '-s', formatLsn(fork.lsn), '--rmgr=Transaction'];
  const result = await site.run('pg_waldump', args, budget.part(10_000));
  return result.kind === 'exited' ? result.stdout : '';
};
