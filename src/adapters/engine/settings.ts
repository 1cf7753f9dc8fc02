import { z } from 'zod';
import { ms, parseInstanceId, parseMemberName, type InstanceId, type MemberName } from '../../core/brand.ts';
import type { Source } from '../../core/database.ts';
import type { DatabaseConfig } from '../../ports/database.ts';
import { readIfThere } from './files.ts';
import type { Place } from './place.ts';

/** What this member's database was last told to be. Kept on disk, so that a restarted agent starts it the same way. */
export interface Settings {
  readonly config: DatabaseConfig | undefined;
  readonly source: Source | undefined;
}

/** @typeParam E what an engine remembers besides */
export interface SettingsStore<E = unknown> {
  get(): Promise<Settings & E>;
  set(change: Partial<Settings & E>): Promise<Settings & E>;
}

/** Reads an engine's own part of what was kept; of nothing (`{}`), too. Throws for what it cannot read. */
export type OwnSettings<E> = (kept: unknown) => E;

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
      synchronous: z
        .object({ suspectAfter: z.number().transform(ms), strict: z.boolean(), mayVote: z.boolean() })
        .optional(),
    })
    .optional(),
  source: z
    .object({
      member: parsed<MemberName>(parseMemberName, 'a member name'),
      host: z.string(),
      port: z.number().int(),
      agentUrl: z.string().exactOptional(),
    })
    .optional(),
});

/** Leaves out what was not there: the port knows no field that is there without a value. */
const configOf = ({ synchronous, ...rest }: NonNullable<z.infer<typeof schema>['config']>): DatabaseConfig =>
  synchronous === undefined ? rest : { ...rest, synchronous };

const NOTHING: Settings = { config: undefined, source: undefined };

const read = async <E>(place: Place, own: OwnSettings<E>): Promise<Settings & E> => {
  const text = await readIfThere(place.paths.settings);
  if (text === undefined) return { ...NOTHING, ...own({}) };
  try {
    const kept: unknown = JSON.parse(text);
    const { config, source } = schema.parse(kept);
    return { config: config === undefined ? undefined : configOf(config), source, ...own(kept) };
  } catch (error) {
    place.options.log.warn('database.settings_unreadable', 'kept settings cannot be read; they will be written anew', {
      path: place.paths.settings,
      error: String(error),
    });
    return { ...NOTHING, ...own({}) };
  }
};

export const createSettingsStore = <E>(place: Place, own: OwnSettings<E>): SettingsStore<E> => {
  let current: (Settings & E) | undefined;
  const get = async (): Promise<Settings & E> => (current ??= await read(place, own));
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
