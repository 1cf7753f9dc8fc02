import { stat } from 'node:fs/promises';
import type { DatabaseView } from '../../core/database.ts';
import type { Step } from '../../ports/database.ts';
import { ifMissing } from '../engine/files.ts';
import { isPristine } from '../engine/pristine.ts';
import { readCleanEnd } from './clean-end.ts';
import { dataState } from './data-state.ts';
import { readIdentity } from './identity.ts';
import type { Site } from './site.ts';

/** Without a clean end only the server's own recovery can tell how far its log reaches. */
export const stoppedView = async (site: Site, step: Step): Promise<DatabaseView> => {
  const leftovers = site.options.processes.within(site.options.dataDir).length;
  const [end, systemId, mark] = [
    await readCleanEnd(site),
    await readIdentity(site),
    await stat(site.paths.replicaMark).catch(ifMissing),
  ];
  const dialect = await site.dialect(step);
  const pristine = await isPristine(site, await dataState(site.options.dataDir));
  return {
    kind: 'stopped',
    systemId: systemId ?? '',
    cleanly: end !== undefined && leftovers === 0,
    wasPrimary: end?.wasPrimary ?? mark === undefined,
    position: end === undefined ? undefined : dialect.toPosition(end.gtids, end.generation),
    generation: end?.generation ?? 0,
    leftovers,
    ...(pristine ? { pristine } : {}),
  };
};
