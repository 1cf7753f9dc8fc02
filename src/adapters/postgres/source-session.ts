import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Budget } from '../engine/budget.ts';
import type { PostgresOptions } from './options.ts';
import { sqlStateOf, withSession, type Session } from './session.ts';

/** The ways to try one after another, as libpq does for each `sslmode`. */
const attempts = async (options: PostgresOptions): Promise<readonly (ConnectionOptions | undefined)[]> => {
  const mode = options.ssl?.mode ?? 'prefer';
  const lenient: ConnectionOptions = { rejectUnauthorized: false };
  if (mode === 'disable') return [undefined];
  if (mode === 'allow') return [undefined, lenient];
  if (mode === 'prefer') return [lenient, undefined];
  if (mode === 'require') return [lenient];
  const file = options.ssl?.rootCertificate;
  const ca = file === undefined ? {} : { ca: await readFile(file) };
  const anyName = mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {};
  return [{ rejectUnauthorized: true, ...ca, ...anyName }];
};

/** What a refused or failed connection to a source means, as a `StepError` that says what to do. */
const explain = (error: unknown, source: Source, user: string): unknown => {
  if (error instanceof StepError) return error;
  const where = `${source.member} (${source.host}:${source.port})`;
  const state = sqlStateOf(error);
  const said = error instanceof Error ? error.message : String(error);
  if (state === '28P01')
    return new StepError(
      'wrong-password',
      `${where} refuses the password of '${user}': correct it in the local configuration`,
      {
        cause: error,
      },
    );
  if (state === '28000')
    return new StepError(
      'refused',
      `${where} does not admit '${user}' from this host: ${said}; is this member's host known there?`,
      {
        cause: error,
      },
    );
  return new StepError('failed', `connecting to ${where} as '${user}': ${said}`, { cause: error });
};

/** Asks another member's database something, as the replication or the rewind account. */
export const withSource = async <T>(
  options: PostgresOptions,
  source: Source,
  account: 'replication' | 'rewind',
  budget: Budget,
  use: (session: Session) => Promise<T>,
): Promise<T> => {
  const credential = options.credentials[account];
  let reached = false;
  let failure: unknown;
  for (const tls of await attempts(options)) {
    const target = {
      host: source.host,
      port: source.port,
      account: credential,
      applicationName: `haagent-${options.name}`,
      replication: account === 'replication',
      tls,
    };
    try {
      return await withSession(options.clock, target, budget.part(5_000), async (session) => {
        reached = true;
        return use(session);
      });
    } catch (error) {
      failure = error;
      budget.signal.throwIfAborted();
      if (reached || sqlStateOf(error) === '28P01') break;
    }
  }
  throw explain(failure, source, credential.username);
};
