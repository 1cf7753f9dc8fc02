import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf, type Budget } from '../engine/budget.ts';
import { privateConfiguration } from './configuration.ts';
import { saidBy } from './errors.ts';
import type { Credential } from './options.ts';
import { createServer, stopServer } from './server.ts';
import { openSession, type Session } from './session.ts';
import type { Site } from './site.ts';

export interface PrivateServer {
  readonly dataDir: string;
  readonly account: Credential;
  /** A copy goes on with the log of its source; new data has none. */
  readonly purpose: 'new' | 'copy';
}

/**
 * Runs a server that nobody but the agent can reach: no network, a socket in a folder of its own user. Ends it cleanly
 * afterwards, and kills it when that is not possible.
 */
export const withPrivateServer = async <T>(
  site: Site,
  { dataDir, account, purpose }: PrivateServer,
  step: Step,
  work: (session: Session, budget: Budget) => Promise<T>,
): Promise<T> => {
  const { options, files, paths } = site;
  const budget = budgetOf(options.clock, step);
  await site.prepare();
  await files.directory(options.socketDir, 0o755);
  await files.write(paths.privateConf, await privateConfiguration(site, dataDir, purpose, budget.part()));
  const dialect = await site.dialect(budget.part());
  const server = createServer(site, dataDir);
  const id = await server.launch(dialect.programs.server, paths.privateConf);
  let ended = false;
  try {
    const session = await connect(site, account, budget, async () => {
      if (!options.processes.alive(id)) throw await server.whyItEnded();
    });
    try {
      const result = await work(session, budget);
      session.close();
      await stopServer(site, id, budget);
      ended = true;
      return result;
    } finally {
      session.close();
    }
  } finally {
    if (!ended) for (const each of options.processes.within(dataDir)) options.processes.signal(each, 'SIGKILL');
    server.close();
  }
};

const connect = async (
  site: Site,
  account: Credential,
  budget: Budget,
  stillThere: () => Promise<void>,
): Promise<Session> => {
  let failure: unknown;
  const target = { at: { socket: site.paths.privateSocket }, account };
  const session = await budget.poll(20, budget.left(), async () => {
    await stillThere();
    return openSession(site.options.clock, target, budget.part(2_000)).catch((error: unknown) => {
      failure = error;
      return undefined;
    });
  });
  if (session === undefined)
    throw new StepError('timed-out', `first steps on new data: the server does not answer: ${saidBy(failure)}`);
  return session;
};
