import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseConfig, Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { ifMissing } from '../engine/files.ts';
import type { Parts } from './parts.ts';
import { writeSettings } from './reload.ts';

/**
 * Remembers parameters, access rules and instance, and has a running server reload them. Parameters that the server does not
 * take are left out and logged. Before there is any data they are only remembered.
 */
export const configure = async (parts: Parts, order: Step & DatabaseConfig): Promise<void> => {
  const { site, settings, configuration, postmaster } = parts;
  const { dataDir, clock, processes } = site.options;
  const { parameters, accessRules, memberHosts, instance, synchronous } = order;
  const config = {
    parameters,
    accessRules,
    memberHosts,
    instance,
    ...(synchronous === undefined ? {} : { synchronous }),
  };
  const budget = budgetOf(clock, order);
  if ((await stat(join(dataDir, 'PG_VERSION')).catch(ifMissing)) === undefined) {
    await settings.set({ config });
    return;
  }
  configuration.refreshAddresses();
  const { changed } = await writeSettings(parts, { config }, budget);
  const server = await postmaster.find();
  if (changed && server !== undefined) processes.signal(server, 'SIGHUP');
};
