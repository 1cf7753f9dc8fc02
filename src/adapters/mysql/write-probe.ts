import { ms } from '../../core/brand.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import { StepError } from '../../core/errors.ts';
import type { Admin } from './admin.ts';
import { saidBy } from './errors.ts';
import { SCHEMA } from './roles.ts';
import { errnoOf } from './session.ts';
import type { Site } from './site.ts';

const INTERVAL = 10_000;
const TIMEOUT = ms(5_000);

/** A commit that reaches this host's disk, waits for nobody else and is in no log. */
const PROBE: readonly string[] = [
  'set session sql_log_bin = 0',
  `insert into ${SCHEMA}.probe (single) values (1) on duplicate key update at = current_timestamp(3)`,
];

/** Missing table or right (adopted data), read-only, no connection free, a lock, shutting down: says nothing about the disk. */
const NO_EVIDENCE: ReadonlySet<number> = new Set([
  1040, 1044, 1045, 1049, 1053, 1142, 1146, 1205, 1227, 1290, 1317, 1927,
]);

/** The small periodic write that shows whether a primary can still write: a hung disk leaves every read working. */
export interface WriteProbe {
  /** Begins a probe when the last one is long enough ago; never waits for it. */
  tick(): void;
  /** What the last probe met, as a sentence, when it failed or was not answered in time; undefined when it was well. */
  failing(): string | undefined;
  /** Another server runs now: what the last one met says nothing of it. */
  reset(): void;
  close(): void;
}

export const createWriteProbe = (site: Site, admin: Admin): WriteProbe => {
  const { clock, log } = site.options;
  const stopped = new AbortController();
  let last: Instant | undefined;
  let busy = false;
  let failing: string | undefined;
  let life = 0;

  const probe = async (): Promise<void> => {
    const begun = life;
    let connected = false;
    try {
      const step = { signal: stopped.signal, timeout: TIMEOUT };
      await admin.once(step, async (session) => {
        connected = true;
        for (const sql of PROBE) await session.rows(step, sql);
      });
      if (begun === life) failing = undefined;
    } catch (error) {
      const errno = errnoOf(error);
      const silent = errno === undefined ? !(error instanceof StepError && connected) : NO_EVIDENCE.has(errno);
      if (stopped.signal.aborted || silent || begun !== life) return;
      failing = `the database did not complete a small write: ${saidBy(error)}`;
      log.warn('database.write_probe_failed', 'the database did not complete a small write', { reason: saidBy(error) });
    }
  };

  return {
    tick: () => {
      if (busy || stopped.signal.aborted) return;
      if (last !== undefined && elapsedAtLeast(last, clock.now()) < INTERVAL) return;
      last = clock.now();
      busy = true;
      void probe().finally(() => {
        busy = false;
      });
    },
    failing: () => failing,
    reset: () => {
      life += 1;
      failing = undefined;
    },
    close: () => stopped.abort(new Error('closed')),
  };
};
