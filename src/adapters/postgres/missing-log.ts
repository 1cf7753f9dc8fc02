import { ms } from '../../core/brand.ts';
import type { Source } from '../../core/database.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import { withDeadline } from '../os/abort.ts';
import { budgetOf } from '../engine/budget.ts';
import { formatLsn, laterLsn, type Lsn } from './lsn.ts';
import type { Parts } from './parts.ts';
import type { RunningAnswer } from './running-query.ts';
import { withSource } from './source-session.ts';

/** A replica that has received nothing new for so long, with no stream at least once meanwhile, is suspected. */
const SUSPECT_AFTER = 5_000;
const ASK_EVERY = 5_000;
const TIMEOUT = ms(3_000);

/** The numbers of the log's files without their timeline, from the source's folder. */
const SEGMENTS = `
  select distinct substr(name, 9) as number
    from pg_ls_dir('pg_wal', true, false) as name
   where name ~ '^[0-9A-F]{24}$'`;

/**
 * Notices that the source has removed log that this replica needs: it asks for it again and again and never catches up, and
 * PostgreSQL says so only in its server log. Where a restore command is set, the archive may still have it: not judged.
 */
export interface MissingLog {
  /** Told of every answer of the own server. Never waits. */
  tick(answer: RunningAnswer): void;
  /** What is missing, as a sentence; undefined while nothing is known to be. */
  found(): string | undefined;
  /** The data was replaced or the source was changed. */
  forget(): void;
  close(): void;
}

/** The number of the segment that holds a position, as it stands in a segment's name behind the timeline. */
const segmentNumber = (lsn: Lsn, size: number): string => {
  const hex = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, '0');
  return `${hex(lsn >> 32n)}${hex((lsn & 0xffff_ffffn) / BigInt(size))}`;
};

/** Whether the segment is gone for good: later ones are there, and it is not. */
export const isGone = (needed: string, present: readonly string[]): boolean =>
  !present.includes(needed) && present.some((number) => number > needed);

export const createMissingLog = (parts: Parts): MissingLog => {
  const { site, settings, control } = parts;
  const { clock } = site.options;
  const stopped = new AbortController();
  let end: Lsn | undefined;
  let since: Instant | undefined;
  let interrupted = false;
  let asked: Instant | undefined;
  let verdict: string | undefined;

  const forget = (): void => {
    since = undefined;
    interrupted = false;
    verdict = undefined;
  };

  const ask = async (needed: Lsn, from: Source, signal: AbortSignal): Promise<void> => {
    const budget = budgetOf(clock, { signal, timeout: TIMEOUT });
    const size = (await control.read(budget.part()))?.segmentSize;
    if (size === undefined) return;
    const rows = await withSource(site.options, from, 'rewind', budget, (session) =>
      session.rows(budget.part(), SEGMENTS),
    );
    const number = segmentNumber(needed, size);
    const gone = isGone(
      number,
      rows.flatMap((row) => row['number'] ?? []),
    );
    if (end !== needed) return; // it has gone on meanwhile
    verdict = gone
      ? `${from.member} has removed the log from ${formatLsn(needed)} on (segment ${number}), which this replica needs`
      : undefined;
  };

  const suspect = async (needed: Lsn, signal: AbortSignal): Promise<void> => {
    const { source } = await settings.get();
    if (source !== undefined) await ask(needed, source, signal);
  };

  return {
    tick: ({ replica }) => {
      if (replica === null || !replica.following || site.options.restoreCommand !== undefined) return forget();
      const now = clock.now();
      const reached = laterLsn(replica.received ?? undefined, replica.applied ?? undefined);
      if (reached === undefined || reached !== end) {
        end = reached;
        forget();
        since = now;
      }
      // Each attempt looks like a stream for a moment: one look without it is enough.
      if (replica.receiver?.status !== 'streaming') interrupted = true;
      if (end === undefined || since === undefined || !interrupted || stopped.signal.aborted) return;
      if (elapsedAtLeast(since, now) < SUSPECT_AFTER) return;
      if (asked !== undefined && elapsedAtLeast(asked, now) < ASK_EVERY) return;
      asked = now;
      const needed = end;
      void withDeadline(clock, TIMEOUT, stopped.signal, 'asking the source for its log', (signal) =>
        suspect(needed, signal),
      ).catch(() => undefined); // a source that cannot be asked has removed nothing that is known
    },
    found: () => verdict,
    forget,
    close: () => stopped.abort(new Error('closed')),
  };
};
