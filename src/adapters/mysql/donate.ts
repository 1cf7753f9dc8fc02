import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { succeeded } from './failures.ts';
import type { Parts } from './parts.ts';
import { optionLines } from './configuration.ts';
import { join } from 'node:path';

/**
 * Sends a copy of the running server's data, piece by piece, as the engine's own backup program makes it. What iterates gets an
 * error at the end when the copy is not whole.
 */
export async function* donate(parts: Parts, step: Step): AsyncGenerator<Uint8Array> {
  const { site } = parts;
  const { options, paths, files } = site;
  const budget = budgetOf(options.clock, step);
  if (parts.server.find() === undefined)
    throw new StepError('refused', `sending a copy of ${options.dataDir}: its server does not run`);
  const dialect = await site.dialect(budget.part());
  const { copy } = dialect;
  if (copy.kind !== 'streamed')
    throw new StepError('refused', `${dialect.product} servers fetch copies from each other by themselves`);
  await site.prepare();
  const { username: user, password } = options.credentials.agent;
  const login = optionLines({ user, password, socket: paths.socket, datadir: options.dataDir });
  await files.write(paths.toolConf, ['[mariadb-backup]', ...login, ''].join('\n'));
  const [program, ...args] = copy.send({ confFile: paths.toolConf, workDir: join(paths.work, 'copy') });
  const run = options.processes.pipe({
    file: site.program(program),
    args,
    cwd: paths.work,
    ...site.as,
    ...budget.part(),
  });
  options.log.info('database.donating', 'a member copies the data of this one');
  yield* run.output;
  succeeded(`sending a copy of the data with ${program}`, await run.ended);
}
