import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '../../ports/database.ts';
import { succeeded } from './failures.ts';
import { ifMissing } from '../engine/files.ts';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';
import type { Site } from './site.ts';

/** What `pg_control` says: the state in which the server left its data. */
export interface ControlFile {
  readonly systemId: string;
  /** PostgreSQL's words: `in production`, `shut down`, `shut down in recovery` … */
  readonly state: string;
  readonly checkpoint: Lsn;
  readonly checkpointTimeline: number;
  readonly minRecoveryEnd: Lsn;
  readonly minRecoveryTimeline: number;
  readonly checksums: boolean;
  readonly walLogHints: boolean;
  readonly segmentSize: number;
  /** Settings of the primary that a replica must not go below, by parameter name. */
  readonly limits: Readonly<Record<string, number>>;
}

/** The data as its last clean end left it: any start changes this, at the latest when it takes its first write. */
export const stateOf = ({ systemId, state, checkpointTimeline, checkpoint }: ControlFile): string =>
  `system ${systemId}, ${state}, checkpoint ${formatLsn(checkpoint)} on timeline ${checkpointTimeline}`;

const LIMITS = {
  max_connections: 'max_connections setting',
  max_worker_processes: 'max_worker_processes setting',
  max_wal_senders: 'max_wal_senders setting',
  max_prepared_transactions: 'max_prepared_xacts setting',
  max_locks_per_transaction: 'max_locks_per_xact setting',
} as const;

/** Parses what `pg_controldata` prints in the C locale; `undefined` when a field that matters is missing. */
export const parseControlData = (output: string): ControlFile | undefined => {
  const fields = new Map(
    output.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const number = (label: string): number => Number(fields.get(label) ?? Number.NaN);
  const systemId = fields.get('Database system identifier');
  const state = fields.get('Database cluster state');
  const checkpoint = parseLsn(fields.get('Latest checkpoint location'));
  const minRecoveryEnd = parseLsn(fields.get('Minimum recovery ending location'));
  const checkpointTimeline = number("Latest checkpoint's TimeLineID");
  const segmentSize = number('Bytes per WAL segment');
  if (systemId === undefined || !/^\d{1,20}$/.test(systemId) || state === undefined) return undefined;
  if (checkpoint === undefined || minRecoveryEnd === undefined) return undefined;
  if (!(checkpointTimeline > 0) || !(segmentSize > 0)) return undefined;
  return {
    systemId,
    state,
    checkpoint,
    checkpointTimeline,
    minRecoveryEnd,
    minRecoveryTimeline: number("Min recovery ending loc's timeline") || 0,
    checksums: number('Data page checksum version') > 0,
    walLogHints: fields.get('wal_log_hints setting') === 'on',
    segmentSize,
    limits: Object.fromEntries(Object.entries(LIMITS).map(([name, label]) => [name, number(label) || 0])),
  };
};

/** Reads the control file of a data directory with `pg_controldata`, again only when it was written; `undefined` where there is none. */
export interface ControlFileReader {
  read(step: Step): Promise<ControlFile | undefined>;
  /** What was read last, however old. */
  last(): ControlFile | undefined;
}

export const createControlFileReader = (site: Site, dataDir: string): ControlFileReader => {
  let newest: ControlFile | undefined;
  let last: { readonly mark: string; readonly value: ControlFile | undefined } | undefined;
  return {
    read: async (step) => {
      const found = await stat(join(dataDir, 'global', 'pg_control'), { bigint: true }).catch(ifMissing);
      if (found === undefined) return undefined;
      const mark = `${found.ino} ${found.mtimeNs} ${found.size}`;
      if (last?.mark === mark) return last.value;
      const what = `reading the control file of ${dataDir} with pg_controldata`;
      const { stdout } = succeeded(what, await site.run('pg_controldata', ['-D', dataDir], step));
      const value = parseControlData(stdout);
      newest = value;
      // A second change within the grain of the file system's clock would leave no trace.
      const settled = site.options.clock.wall() - Number(found.mtimeNs / 1_000_000n) > 100;
      last = settled ? { mark, value } : undefined;
      return value;
    },
    last: () => newest,
  };
};
