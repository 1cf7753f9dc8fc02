import { ms } from '../../core/brand.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import { StepError } from '../../core/errors.ts';
import type { Admin } from './admin.ts';
import { SCHEMA } from './roles.ts';
import { sqlStateOf, type Session } from './session.ts';
import type { Site } from './site.ts';

const INTERVAL = 5_000;
const TIMEOUT = ms(5_000);

/** A commit that reaches this host's disk and waits for nobody else. */
const PROBE = `
  begin; set local synchronous_commit to 'local'; set local lock_timeout to '1s';
  insert into ${SCHEMA}.probe (at) values (clock_timestamp()) on conflict (single) do update set at = excluded.at;
  commit`;

/** Missing table or right (adopted data), a lock of the operator, no connection free, shutting down: says nothing about the disk. */
const NO_EVIDENCE: ReadonlySet<string> = new Set([
  '42P01',
  '55P03',
  '57014',
  '3F000',
  '42501',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '25006',
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
  const { clock, log, processes } = site.options;
  const stopped = new AbortController();
  let last: Instant | undefined;
  let busy = false;
  let failing: string | undefined;
  let backend = 0;
  let life = 0;

  const judge = (error: unknown): boolean => {
    const state = sqlStateOf(error);
    if (state !== undefined) return NO_EVIDENCE.has(state);
    // A connection that ended tells of the server's end, not of its disk.
    return !(error instanceof StepError && error.code === 'timed-out' && backend > 0);
  };

  const probe = async (): Promise<void> => {
    backend = 0;
    let session: Session | undefined;
    const begun = life;
    try {
      const step = { signal: stopped.signal, timeout: TIMEOUT };
      session = await admin.prober(step);
      ({ backend } = session);
      await session.rows(step, PROBE);
      failing = undefined;
    } catch (error) {
      // Its transaction may be open still, or aborted: the next probe begins with another session.
      session?.close();
      if (stopped.signal.aborted || begun !== life || judge(error)) return;
      failing = `it did not complete a small write: ${error instanceof Error ? error.message : String(error)}`;
      log.warn('database.write_probe_failed', 'the database did not complete a small write', { reason: String(error) });
    }
  };

  return {
    tick: () => {
      if (busy || stopped.signal.aborted) return;
      if (last !== undefined && elapsedAtLeast(last, clock.now()) < INTERVAL) return;
      // A backend still stuck in its write is answer enough; another would only be stuck beside it.
      if (failing !== undefined && backend > 0 && processes.find(backend) !== undefined) return;
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
      last = undefined;
    },
    close: () => stopped.abort(new Error('closed')),
  };
};
