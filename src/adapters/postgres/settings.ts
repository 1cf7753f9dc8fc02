import { z } from 'zod';
import type { ProcessId } from '../../ports/processes.ts';
import { createSettingsStore, type Settings, type SettingsStore } from '../engine/settings.ts';
import type { Site } from './site.ts';
import { demandSchema, type Demand } from './standby-names.ts';

interface Demanded {
  /** What was last demanded of commits; undefined: nothing was said since the last start or change of source. */
  readonly demand: Demand | undefined;
  /** Number of the last proof that senders have reloaded. */
  readonly turn: number;
  /** The server in which waiting for acknowledgements is known to be switched on. */
  readonly waiting: ProcessId | undefined;
}

export type PostgresSettings = Settings & Demanded;
export type PostgresSettingsStore = SettingsStore<Demanded>;

const schema = z.object({
  demand: demandSchema.optional(),
  turn: z.number().int().optional(),
  waiting: z.object({ pid: z.number().int(), startTime: z.string() }).optional(),
});

/** What this member's PostgreSQL was last told to be, its demand on commits included. */
export const createPostgresSettings = (site: Site): PostgresSettingsStore =>
  createSettingsStore(site, (kept) => {
    const { demand, turn, waiting } = schema.parse(kept);
    return { demand, turn: turn ?? 0, waiting };
  });
