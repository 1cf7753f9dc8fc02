import { readFile } from 'node:fs/promises';
import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Budget } from '../engine/budget.ts';
import { saidBy } from './errors.ts';
import type { MysqlOptions } from './options.ts';
import { errnoOf, withSession, type Session, type SessionTarget } from './session.ts';

/** The ways to try one after another. */
const attempts = async (options: MysqlOptions): Promise<readonly SessionTarget['tls'][]> => {
  const mode = options.tls?.mode ?? 'prefer';
  const lenient = { rejectUnauthorized: false };
  if (mode === 'disable') return [undefined];
  if (mode === 'prefer') return [lenient, undefined];
  if (mode === 'require') return [lenient];
  const file = options.tls?.rootCertificate;
  const ca = file === undefined ? {} : { ca: await readFile(file, 'utf8') };
  return [{ rejectUnauthorized: true, verifyIdentity: mode === 'verify-full', ...ca }];
};

/** What a refused or failed connection to a source means, as a `StepError` that says what to do. */
const explain = (error: unknown, source: Source, user: string): unknown => {
  if (error instanceof StepError) return error;
  const where = `${source.member} (${source.host}:${source.port})`;
  if (errnoOf(error) === 1045)
    return new StepError(
      'wrong-password',
      `${where} refuses the password of '${user}': correct it in the local configuration`,
      { cause: error },
    );
  return new StepError('failed', `connecting to ${where} as '${user}': ${saidBy(error)}`, { cause: error });
};

/** Asks another member's server something, as the replication account. */
export const withSource = async <T>(
  options: MysqlOptions,
  source: Source,
  budget: Budget,
  use: (session: Session) => Promise<T>,
): Promise<T> => {
  const account = options.credentials.replication;
  let reached = false;
  let failure: unknown;
  for (const tls of await attempts(options)) {
    const target: SessionTarget = { at: { host: source.host, port: source.port }, account, tls };
    try {
      return await withSession(options.clock, target, budget.part(5_000), async (session) => {
        reached = true;
        return use(session);
      });
    } catch (error) {
      failure = error;
      budget.signal.throwIfAborted();
      if (reached || errnoOf(error) === 1045) break;
    }
  }
  throw explain(failure, source, account.username);
};
