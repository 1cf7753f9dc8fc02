import type { Step } from '../../ports/database.ts';
import { readCleanEnd } from './clean-end.ts';
import type { Parts } from './parts.ts';

/**
 * A replica of a flavour that drops what was received and not applied may have acknowledged it: only after a clean end with
 * everything applied it has all of it. A primary has everything in its own log before anybody acknowledges.
 */
export const forgets = async ({ site, server, settings }: Parts, step: Step): Promise<boolean> => {
  if (server.find() !== undefined || !(await site.dialect(step)).dropsReceived) return false;
  const { config, promoted } = await settings.get();
  if (config?.synchronous === undefined || promoted) return false;
  return (await readCleanEnd(site))?.whole !== true;
};
