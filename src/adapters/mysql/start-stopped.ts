import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { unfinished } from '../engine/markers.ts';
import { forgetPristine } from '../engine/pristine.ts';
import { forgetCleanEnd } from './clean-end.ts';
import { saidBy } from './errors.ts';
import { fence } from './fence.ts';
import { newIdentity, readIdentity, writeIdentity } from './identity.ts';
import { writeLaunched } from './launched.ts';
import type { Parts } from './parts.ts';
import { freshServerId } from './server-id.ts';

/** Resolves once the agent's own query is answered. */
export const untilAnswering = async (parts: Parts, budget: Budget): Promise<void> => {
  const { site, admin, server } = parts;
  const id = server.find();
  let failure: unknown;
  const answered = await budget.poll(20, budget.left(), async () => {
    if (id !== undefined && !site.options.processes.alive(id)) throw await server.whyItEnded();
    try {
      await admin.rows(budget.part(2_000), 'select 1');
      return true;
    } catch (error) {
      failure = error;
      return undefined;
    }
  });
  if (answered === undefined)
    throw new StepError(
      'timed-out',
      `starting the server in ${site.options.dataDir}: the agent's query is not answered: ${saidBy(failure)}; see ${site.paths.log}`,
      { cause: failure },
    );
};

/**
 * Starts a server that does not run: read-only for everybody, replicating from nobody, whatever its data was before. Recovery
 * from a crash runs first. Ends when it answers queries.
 */
export const startStopped = async (parts: Parts, target: GuardTarget, step: Step): Promise<void> => {
  const { site, server, settings, configuration } = parts;
  const { dataDir, processes, clock, socketDir } = site.options;
  const budget = budgetOf(clock, step);
  site.endOrphans();
  const interrupted = await unfinished(site);
  if (interrupted !== undefined)
    throw new StepError(
      'refused',
      `starting the server in ${dataDir}: a ${interrupted} was interrupted, so this is no database`,
    );
  if (processes.within(dataDir).length > 0) await fence(parts, target, budget.part());
  const parameters = await configuration.write(await settings.get(), freshServerId(), budget.part());
  await site.files.directory(socketDir, 0o755);
  await site.files.write(site.paths.replicaMark, '');
  if ((await readIdentity(site)) === undefined) await writeIdentity(site, newIdentity());
  await forgetPristine(site);
  await settings.set({ demand: undefined, promoted: false });
  await forgetCleanEnd(site);
  await writeLaunched(site, parameters);
  const dialect = await site.dialect(budget.part());
  await server.launch(dialect.programs.server, site.paths.conf);
  await untilAnswering(parts, budget);
};
