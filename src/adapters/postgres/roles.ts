import type { Dialect } from './dialect.ts';
import type { Credential, Credentials } from './options.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { scramVerifier } from './scram.ts';

/** The schema of the agent's own tables, in the database `postgres`. */
export const SCHEMA = 'haagent';

const create = async (account: Credential, attributes: string): Promise<readonly string[]> => {
  const name = quoteIdentifier(account.username);
  const verifier = await scramVerifier(account.password);
  return [
    `do $do$ begin if not exists (select from pg_roles where rolname = ${quoteLiteral(account.username)}) ` +
      `then create role ${name}; end if; end $do$`,
    `alter role ${name} with login ${attributes} password ${quoteLiteral(verifier)}`,
  ];
};

/** One account may serve for several purposes; then it gets what all of them need. */
const distinctAccounts = ({ superuser, replication, rewind, agent }: Credentials) => {
  const all = [superuser, replication, agent, rewind];
  const streams = new Set([replication.username, agent.username]);
  return all
    .filter((account, at) => all.findIndex((each) => each.username === account.username) === at)
    .map((account) => ({
      account,
      attributes:
        account.username === superuser.username
          ? 'superuser'
          : `nosuperuser nocreatedb nocreaterole ${streams.has(account.username) ? 'replication' : 'noreplication'}`,
    }));
};

/** What pg_rewind reads from its source as an ordinary role. */
const REWIND_FUNCTIONS = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
];

const tables = (owner: string): readonly string[] => [
  `create schema if not exists ${SCHEMA} authorization ${owner}`,
  `create table if not exists ${SCHEMA}.barrier (single boolean primary key default true check (single), term numeric not null, at timestamptz not null)`,
  `create table if not exists ${SCHEMA}.probe (single boolean primary key default true check (single), at timestamptz not null)`,
  ...['barrier', 'probe'].map((name) => `alter table ${SCHEMA}.${name} owner to ${owner}`),
];

/** CHECKPOINT for a role that is no superuser, before there was a role for it. */
const checkpointFunction = (owner: string): readonly string[] => [
  `create or replace function ${SCHEMA}.checkpoint() returns void language plpgsql security definer ` +
    `set search_path = pg_catalog as $fn$ begin checkpoint; end $fn$`,
  `revoke all on function ${SCHEMA}.checkpoint() from public`,
  `grant execute on function ${SCHEMA}.checkpoint() to ${owner}`,
];

/**
 * Statements that give the four accounts exactly what they need, and the agent its tables. Can be run again. A password
 * goes in as a SCRAM verifier, so that no log can show it.
 */
export const roleStatements = async (credentials: Credentials, dialect: Dialect): Promise<readonly string[]> => {
  const agent = quoteIdentifier(credentials.agent.username);
  const rewind = quoteIdentifier(credentials.rewind.username);
  const accounts = await Promise.all(
    distinctAccounts(credentials).map(({ account, attributes }) => create(account, attributes)),
  );
  const granted = ['pg_monitor', dialect.checkpointRole, dialect.reservedConnectionsRole].filter(
    (role) => role !== undefined,
  );
  return [
    ...accounts.flat(),
    ...granted.map((role) => `grant ${role} to ${agent}`),
    ...REWIND_FUNCTIONS.map((name) => `grant execute on function pg_catalog.${name} to ${rewind}`),
    ...tables(agent),
    ...(dialect.checkpointRole === undefined ? checkpointFunction(agent) : []),
  ];
};
