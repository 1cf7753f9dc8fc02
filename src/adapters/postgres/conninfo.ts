import type { Source } from '../../core/database.ts';
import type { PostgresOptions } from './options.ts';
import { conninfo, quotePassfile } from './quoting.ts';

/** Short, so that a source that vanished without a word is noticed in seconds. */
const PROMPT = {
  connect_timeout: 3,
  keepalives: 1,
  keepalives_idle: 2,
  keepalives_interval: 1,
  keepalives_count: 3,
  tcp_user_timeout: 3000,
} as const;

const secure = (options: PostgresOptions): Readonly<Record<string, string>> => ({
  sslmode: options.ssl?.mode ?? 'prefer',
  ...(options.ssl?.rootCertificate === undefined ? {} : { sslrootcert: options.ssl.rootCertificate }),
});

/** How the receiver reaches its source. The password is in the password file only. */
export const receiverConninfo = (
  options: PostgresOptions,
  passfile: string,
  source: Source,
  applicationName: string,
  copiesSlots: boolean,
): string =>
  conninfo({
    host: source.host,
    port: source.port,
    user: options.credentials.replication.username,
    passfile,
    application_name: applicationName,
    // The stream has no database; the process that copies logical slots needs one.
    ...(copiesSlots ? { dbname: 'postgres' } : {}),
    ...secure(options),
    ...PROMPT,
  });

/** How a program reaches the source: `pg_basebackup` as the replication account, `pg_rewind` as its own. */
export const toolConninfo = (
  options: PostgresOptions,
  passfile: string,
  source: Source,
  account: 'replication' | 'rewind',
): string =>
  conninfo({
    host: source.host,
    port: source.port,
    user: options.credentials[account].username,
    ...(account === 'rewind' ? { dbname: 'postgres' } : {}),
    passfile,
    application_name: `haagent-${options.name}`,
    ...secure(options),
    ...PROMPT,
  });

/** The password file: the two accounts that ever leave this host. */
export const passfileContent = (options: PostgresOptions): string =>
  [options.credentials.replication, options.credentials.rewind]
    .map(({ username, password }) => `*:*:*:${quotePassfile(username)}:${quotePassfile(password)}\n`)
    .join('');
