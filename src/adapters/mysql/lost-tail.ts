import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { LostTail } from '../../core/database.ts';
import type { Budget } from '../engine/budget.ts';
import { ifMissing } from '../engine/files.ts';
import { readCleanEnd } from './clean-end.ts';
import type { Dialect, Gtids } from './dialect.ts';
import type { Site } from './site.ts';

/** Lines kept of the list of lost transactions; the log files beside it have everything. */
const MOST_LINES = 100_000;
/** Log files looked at, the newest first. */
const MOST_FILES = 20;

interface Lost {
  readonly transactions: readonly Gtids[];
  readonly lines: readonly string[];
}

/** The transactions of one log file that `kept` lacks, with what they changed. */
const lostIn = async (site: Site, dialect: Dialect, path: string, kept: Gtids, budget: Budget): Promise<Lost> => {
  const run = site.options.processes.pipe({
    file: site.program(dialect.programs.logReader),
    args: ['--no-defaults', '--base64-output=decode-rows', '--verbose', path],
    cwd: site.paths.work,
    ...site.as,
    ...budget.part(60_000),
  });
  const transactions: Gtids[] = [];
  const lines: string[] = [];
  let within = false;
  for await (const line of createInterface({ input: Readable.from(run.output) })) {
    const transaction = dialect.transactionAt(line);
    if (transaction !== undefined) {
      within = !dialect.contains(kept, transaction);
      if (within) {
        transactions.push(transaction);
        lines.push('', `# ${transaction}`);
      }
    }
    if (within && /^###|^#\d{6}|^(insert|update|delete|replace|create|alter|drop|truncate)\b/i.test(line)) {
      if (lines.length < MOST_LINES) lines.push(line);
    }
  }
  await run.ended;
  return { transactions, lines };
};

/**
 * Keeps what a new copy drops: the log files with transactions that the source lacks, as far as `lostTailBytes` allows, and a
 * list of these transactions with what they changed. Returns the folder; `undefined` when there was nothing to keep.
 */
export const keepLostTail = async (
  site: Site,
  dialect: Dialect,
  kept: Gtids,
  budget: Budget,
): Promise<string | undefined> => {
  const { options, paths } = site;
  const names = ((await readdir(options.dataDir).catch(ifMissing)) ?? []).filter((name) => /^binlog\.\d+$/.test(name));
  const found: { readonly name: string; readonly lost: Lost }[] = [];
  for (const name of names.toSorted().reverse().slice(0, MOST_FILES)) {
    const lost = await lostIn(site, dialect, join(options.dataDir, name), kept, budget);
    // The log of one server grows: before a file without a lost transaction there is none.
    if (lost.transactions.length === 0 && found.length > 0) break;
    if (lost.transactions.length > 0) found.push({ name, lost });
  }
  if (found.length === 0) return undefined;
  found.reverse();
  const stamp = new Date(options.clock.wall()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const folder = join(paths.lostTails, `lost-${stamp}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let room = options.lostTailBytes;
  let left = 0;
  let bytes = 0;
  for (const { name } of found) {
    const path = join(options.dataDir, name);
    const { size } = await stat(path);
    bytes += size;
    room -= size;
    if (room < 0) left += 1;
    else await copyFile(path, join(folder, name));
  }
  await site.files.write(join(folder, 'transactions.txt'), `${found.flatMap(({ lost }) => lost.lines).join('\n')}\n`);
  const dropped: LostTail = {
    folder,
    generation: (await readCleanEnd(site))?.generation ?? 0,
    from: found[0]?.lost.transactions[0] ?? '',
    bytes,
    commits: found.reduce((sum, { lost }) => sum + lost.transactions.length, 0),
  };
  await site.files.write(join(folder, 'lost.json'), `${JSON.stringify(dropped, undefined, 2)}\n`);
  options.log.warn(
    'database.tail_dropped',
    'transactions that the leader lacks are dropped by the new copy; they are kept aside',
    {
      ...dropped,
      files: found.length - left,
      files_not_kept: left,
    },
  );
  return folder;
};
