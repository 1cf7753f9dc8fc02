import { ms } from '../../core/brand.ts';
import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import type { LostTail } from '../../core/database.ts';
import type { Step } from '../../ports/database.ts';
import { withDeadline } from '../os/abort.ts';
import { createDroppedLogs } from '../engine/dropped-logs.ts';
import { CAUTIONS, cautionsOf } from './cautions.ts';
import type { Parts } from './parts.ts';
import { createWeakAcks, isReadable, LOGGING } from './weak-acks.ts';

const INTERVAL = 10_000;
/** After a change, until the server has read its new configuration. */
const EAGER_INTERVAL = 250;
const EAGER_FOR = 3_000;
const TIMEOUT = ms(3_000);

const PENDING = `
  select coalesce(json_agg(name), '[]')::text as names,
         (select json_object_agg(name, setting)::text from pg_settings where name = any ($1::text[])) as running
    from pg_settings where pending_restart`;

/** Differ between members or only in notation; a restart would not be asked for on their account. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  'listen_addresses',
  'unix_socket_directories',
  'hba_file',
  'ident_file',
]);

/** Answers that change seldom and cost more than a question a second should: refreshed now and then, never waited for. */
export interface SlowFacts {
  tick(): void;
  /** Something was changed that the answers may depend on. */
  soon(): void;
  /** Parameters whose new value needs a restart. */
  pendingRestart(): readonly string[];
  /** What weakens the promise of the synchronous modes, a sentence each. */
  cautions(): readonly string[];
  /** What was last dropped of the log, to rejoin. */
  dropped(): LostTail | undefined;
  /** Commits acknowledged without their voters since this began; undefined where they cannot be counted. */
  weakAcks(): number | undefined;
  close(): void;
}

const names = (text: string | null | undefined): readonly string[] => {
  const parsed: unknown = JSON.parse(text ?? '[]');
  return Array.isArray(parsed) ? parsed.filter((each) => typeof each === 'string') : [];
};

const settingsOf = (text: string | null | undefined): ReadonlyMap<string, unknown> => {
  const parsed: unknown = JSON.parse(text ?? '{}');
  return new Map(typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []);
};

export const createSlowFacts = (parts: Parts): SlowFacts => {
  const { admin, configuration, settings, control, site } = parts;
  const { clock } = site.options;
  const stopped = new AbortController();
  let last: Instant | undefined;
  let changed: Instant | undefined;
  let pending: readonly string[] = [];
  let cautions: readonly string[] = [];
  let readable = false;
  const weakAcks = createWeakAcks(site.paths.log);
  const droppedLogs = createDroppedLogs(site);

  const refresh = async (step: Step): Promise<void> => {
    const wanted = configuration.commandLine(await settings.get(), await control.read(step));
    const compared = Object.keys(wanted).filter((name) => !NOT_COMPARED.has(name));
    const [row] = await admin.look(step, PENDING, [`{${compared.join(',')}}`]);
    const running = settingsOf(row?.['running']);
    const differing = compared.filter((name) => running.has(name) && running.get(name) !== wanted[name]);
    pending = [...new Set([...names(row?.['names']), ...differing])].toSorted();
    const found = cautionsOf(await admin.look(step, CAUTIONS));
    for (const caution of found) if (!cautions.includes(caution)) site.options.log.warn('database.caution', caution);
    cautions = found;
    const [logging] = await admin.look(step, LOGGING);
    readable = isReadable(logging);
    await weakAcks.read();
    await droppedLogs.read();
  };

  return {
    tick: () => {
      const now = clock.now();
      const eager = changed !== undefined && elapsedAtLeast(changed, now) < EAGER_FOR;
      const interval = eager ? EAGER_INTERVAL : INTERVAL;
      if (stopped.signal.aborted || (last !== undefined && elapsedAtLeast(last, now) < interval)) return;
      last = now;
      void withDeadline(clock, TIMEOUT, stopped.signal, 'asking for pending restarts', (signal) =>
        refresh({ signal, timeout: TIMEOUT }),
      ).catch(() => undefined);
    },
    soon: () => {
      changed = clock.now();
    },
    pendingRestart: () => pending,
    cautions: () => cautions,
    dropped: droppedLogs.last,
    weakAcks: () => (readable ? weakAcks.count() : undefined),
    close: () => stopped.abort(new Error('closed')),
  };
};
