import { z } from 'zod';
import type { Acknowledgement } from '../../core/database.ts';
import { createSettingsStore, type SettingsStore } from '../engine/settings.ts';
import type { Site } from './site.ts';

interface Demanded {
  /** What was last demanded of commits; undefined: nothing was said since the last start. */
  readonly demand: Acknowledgement | undefined;
  /** Since its last start it was made a primary: what it acknowledged is in its own log. */
  readonly promoted: boolean;
}

export type MysqlSettingsStore = SettingsStore<Demanded>;

const schema = z.object({
  demand: z.object({ voters: z.array(z.string()), acks: z.number().int().min(0) }).optional(),
  promoted: z.boolean().default(false),
});

/** What this member's server was last told to be, its demand on commits included. */
export const createMysqlSettings = (site: Site): MysqlSettingsStore =>
  createSettingsStore(site, (kept) => {
    const { demand, promoted } = schema.parse(kept);
    return { demand, promoted };
  });
