import type { Credentials } from './options.ts';
import { quoteAccount } from './quoting.ts';

/** The schema of the agent's own tables. */
export const SCHEMA = 'haagent';

interface Rights {
  readonly superuserHosts: readonly string[];
  /** What the replication account may, besides reading the agent's tables. */
  readonly replication: string;
  readonly agent: string;
  identifiedBy(password: string): string;
}

/**
 * Statements that give the three accounts exactly what they need. Can be run again. The superuser and the agent come from
 * this host only; one account may serve for several purposes.
 */
export const accountStatements = (credentials: Credentials, rights: Rights): readonly string[] => {
  const { superuser, replication, agent } = credentials;
  const account = (name: string, password: string, host: string): readonly string[] => {
    const quoted = quoteAccount(name, host);
    const by = rights.identifiedBy(password);
    return [`create user if not exists ${quoted} ${by}`, `alter user ${quoted} ${by}`];
  };
  return [
    ...rights.superuserHosts.flatMap((host) => [
      ...account(superuser.username, superuser.password, host),
      `grant all privileges on *.* to ${quoteAccount(superuser.username, host)} with grant option`,
    ]),
    ...account(replication.username, replication.password, '%'),
    `grant ${rights.replication} on *.* to ${quoteAccount(replication.username, '%')}`,
    `grant select on ${SCHEMA}.* to ${quoteAccount(replication.username, '%')}`,
    ...account(agent.username, agent.password, 'localhost'),
    `grant ${rights.agent} on *.* to ${quoteAccount(agent.username, 'localhost')}`,
    `grant all privileges on ${SCHEMA}.* to ${quoteAccount(agent.username, 'localhost')}`,
  ];
};

/** Accounts that an installer leaves and nobody asked for: without a password, or from other hosts. */
export const UNWANTED = `select user as account, host as place from mysql.user
  where user = '' or (user = 'root' and host <> 'localhost')`;

/** The agent's tables: who this data is, each promotion, the last barrier, the last probe. */
export const TABLES: readonly string[] = [
  `create database if not exists ${SCHEMA}`,
  `create table if not exists ${SCHEMA}.identity (single tinyint primary key, system_id varchar(40) not null) engine = InnoDB`,
  `create table if not exists ${SCHEMA}.journal (generation bigint unsigned primary key, member varchar(64) not null,
     at timestamp(3) not null default current_timestamp(3)) engine = InnoDB`,
  `create table if not exists ${SCHEMA}.barrier (single tinyint primary key, term varchar(20) not null,
     at timestamp(3) not null default current_timestamp(3)) engine = InnoDB`,
  `create table if not exists ${SCHEMA}.probe (single tinyint primary key,
     at timestamp(3) not null default current_timestamp(3)) engine = InnoDB`,
];

/** The newest promotion whose record is here. */
export const GENERATION = `select coalesce(max(generation), 0) as generation from ${SCHEMA}.journal`;
