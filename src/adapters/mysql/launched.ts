import { z } from 'zod';
import { readIfThere } from '../engine/files.ts';
import type { Site } from './site.ts';

/** The operator's parameters that the running server has: those of its start, and what was set since. */
export type Launched = Readonly<Record<string, string>>;

const schema = z.record(z.string(), z.string());

export const readLaunched = async (site: Site): Promise<Launched> => {
  try {
    return schema.parse(JSON.parse((await readIfThere(site.paths.launched)) ?? '{}'));
  } catch {
    return {};
  }
};

export const writeLaunched = (site: Site, parameters: Launched): Promise<void> =>
  site.files.write(site.paths.launched, `${JSON.stringify(parameters)}\n`);
