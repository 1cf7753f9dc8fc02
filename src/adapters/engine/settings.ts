import { z } from 'zod';
import { parseInstanceId, parseMemberName, type InstanceId, type MemberName } from '../../core/brand.ts';
import type { Source } from '../../core/database.ts';
import type { DatabaseConfig } from '../../ports/database.ts';
import { readIfThere } from './files.ts';
import type { Place } from './place.ts';

/** What this member's database was last told to be. Kept on disk, so that a restarted agent starts it the same way. */
export interface Settings {
  readonly config: DatabaseConfig | undefined;
  readonly source: Source | undefined;
}

export interface SettingsStore {
  get(): Promise<Settings>;
  set(change: Partial<Settings>): Promise<Settings>;
}

const parsed = <T>(parse: (text: unknown) => T | undefined, what: string) =>
  z.string().transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `not ${what}` });
    return z.NEVER;
  });

const schema = z.object({
  config: z
    .object({
      parameters: z.record(z.string(), z.string()),
      accessRules: z.array(z.string()),
      memberHosts: z.array(z.string()),
      instance: parsed<InstanceId>(parseInstanceId, 'an instance'),
    })
    .optional(),
  source: z
    .object({
      member: parsed<MemberName>(parseMemberName, 'a member name'),
      host: z.string(),
      port: z.number().int(),
    })
    .optional(),
});

const read = async (place: Place): Promise<Settings> => {
  const text = await readIfThere(place.paths.settings);
  if (text === undefined) return { config: undefined, source: undefined };
  try {
    const found = schema.parse(JSON.parse(text));
    return { config: found.config, source: found.source };
  } catch (error) {
    place.options.log.warn('database.settings_unreadable', 'kept settings cannot be read; they will be written anew', {
      path: place.paths.settings,
      error: String(error),
    });
    return { config: undefined, source: undefined };
  }
};

export const createSettingsStore = (place: Place): SettingsStore => {
  let current: Settings | undefined;
  const get = async (): Promise<Settings> => (current ??= await read(place));
  return {
    get,
    set: async (change) => {
      const before = await get();
      const next = { ...before, ...change };
      if (JSON.stringify(next) !== JSON.stringify(before)) {
        await place.prepare();
        await place.files.write(place.paths.settings, `${JSON.stringify(next, undefined, 2)}\n`);
      }
      current = next;
      return next;
    },
  };
};
