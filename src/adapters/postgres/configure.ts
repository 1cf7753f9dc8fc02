import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseConfig, Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { ifMissing } from '../engine/files.ts';
import type { Parts } from './parts.ts';

/**
 * Remembers parameters, access rules and instance, and has a running server reload them. Parameters that the server does not
 * take are left out and logged. Before there is any data they are only remembered.
 */
export const configure = async (parts: Parts, order: Step & DatabaseConfig): Promise<void> => {
  const { site, settings, configuration, control, postmaster } = parts;
  const { dataDir, clock, processes } = site.options;
  const { parameters, accessRules, memberHosts, instance } = order;
  const budget = budgetOf(clock, order);
  const next = await settings.set({ config: { parameters, accessRules, memberHosts, instance } });
  if ((await stat(join(dataDir, 'PG_VERSION')).catch(ifMissing)) === undefined) return;
  configuration.refreshAddresses();
  const { changed } = await configuration.write(next, await control.read(budget.part()), budget.part());
  const server = await postmaster.find();
  if (changed && server !== undefined) processes.signal(server, 'SIGHUP');
};
