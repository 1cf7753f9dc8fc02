import { StepError } from '../../core/errors.ts';
import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { demandInForce } from './replication-parameters.ts';
import type { PostgresSettings } from './settings.ts';

interface Written {
  readonly changed: boolean;
  readonly commandLine: Readonly<Record<string, string>>;
  /** The number of the configuration file's content. */
  readonly revision: number;
}

/** Remembers a change of what the server is told, and writes its files. A running server must reload them. */
export const writeSettings = async (
  parts: Parts,
  change: Partial<PostgresSettings>,
  budget: Budget,
): Promise<Written> => {
  const { settings, configuration, control } = parts;
  const next = { ...(await settings.get()), ...change };
  // What was proven of the running server ends before anything weaker can be read.
  const weaker = demandInForce(next).kind === 'none';
  const kept = await settings.set(weaker ? { ...change, waiting: undefined } : change);
  return configuration.write(kept, await control.read(budget.part()), budget.part());
};

const READ = `
  select current_setting('haagent.revision', true) as revision, clock_timestamp()::text as at,
         current_setting('synchronous_standby_names') as names`;

/** What a session that began after a reload saw. */
export interface Reloaded {
  /** The server's time: what began later has read the new configuration. */
  readonly at: string;
  readonly names: string;
}

/**
 * Has the running server read revision `revision` of its configuration file and waits until it has told all of its processes: its
 * parent does both at once, before it begins another session, so a NEW session that shows the revision proves it. Whether a process
 * has heeded what it was told is another question. Throws `StepError` `timed-out`.
 */
export const reload = async (parts: Parts, revision: number, budget: Budget): Promise<Reloaded> => {
  const { postmaster, admin, site } = parts;
  const { processes, dataDir } = site.options;
  const server = await postmaster.find();
  if (server === undefined || !processes.signal(server, 'SIGHUP'))
    throw new StepError('refused', `reloading the configuration of ${dataDir}: the database does not run`);
  let failure: unknown;
  const found = await budget.poll(5, budget.left(), async () => {
    try {
      const [row] = await admin.once(budget.part(2_000), (session) => session.rows(budget.part(2_000), READ));
      if (row?.['revision'] === String(revision)) return { at: row['at'] ?? '', names: row['names'] ?? '' };
      failure = `it still reads revision ${row?.['revision']}`;
    } catch (error) {
      failure = error;
    }
    return undefined;
  });
  if (found !== undefined) return found;
  throw new StepError(
    'timed-out',
    `reloading the configuration of ${dataDir}: revision ${revision} was not read (${String(failure)}); see ${site.paths.log}`,
    { cause: failure },
  );
};
