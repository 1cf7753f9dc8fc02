import { existsSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createConnection, type Connection } from 'mysql2';
import { SCHEMA } from '../workload/mysql.ts';
import { findAccount } from './host.ts';
import { socketDirOf, WRITER, type LabServer } from './server.ts';

const CONNECT_MS = 2_000;
const QUERY_MS = 5_000;

const PROGRAMS = {
  mariadb: { product: 'MariaDB', server: 'mariadbd', prefix: 'ma' },
  mysql: { product: 'MySQL', server: 'mysqld', prefix: 'my' },
} as const;

type Rows = readonly Readonly<Record<string, unknown>>[];

const isRow = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ask = (connection: Connection, sql: string): Promise<Rows> =>
  new Promise((resolve, reject) => {
    connection.query({ sql, timeout: QUERY_MS }, (error: Error | null, result: unknown) => {
      if (error === null) resolve(Array.isArray(result) ? result.filter(isRow) : []);
      else reject(error);
    });
  });

/** Over the socket: the superuser may come from the own host only. */
const queryOnce = async (dir: string, password: string, sql: string): Promise<Rows> => {
  const connection = createConnection({
    socketPath: join(socketDirOf(dir), 'mysqld.sock'),
    user: 'root',
    password,
    connectTimeout: CONNECT_MS,
  });
  connection.on('error', () => undefined); // the question's own rejection tells
  try {
    return await ask(connection, sql);
  } finally {
    connection.destroy();
  }
};

/** Whether this machine has the servers of an engine, with what their agents need besides. */
export const hasMysql = (engine: 'mysql' | 'mariadb'): boolean =>
  ['/usr/sbin', '/usr/bin', '/usr/libexec'].some((folder) => {
    const program = join(folder, PROGRAMS[engine].server);
    // MariaDB brings a link with the name of MySQL's server.
    return existsSync(program) && basename(realpathSync(program)) === PROGRAMS[engine].server;
  });

/** MySQL or MariaDB, as labs handle them. Throws where they are not installed. */
export const mysqlServer = (engine: 'mysql' | 'mariadb'): LabServer => {
  const { product, server, prefix } = PROGRAMS[engine];
  if (!hasMysql(engine))
    throw new Error(`no ${product} server (${server}) found: sh scripts/setup.sh ${engine} says what to install`);
  return {
    engine,
    product,
    prefix,
    superuser: 'root',
    account: findAccount('mysql'),
    section: (input) => [
      engine,
      {
        data_dir: input.dataDir,
        listen: input.host,
        port: input.port,
        socket_dir: input.socketDir,
        parameters: { innodb_buffer_pool_size: '64M' },
        ...(input.osUser === undefined ? {} : { os_user: input.osUser }),
        authentication: {
          superuser: { username: input.superuser.user, password: input.superuser.password },
          replication: { username: 'replicator', password: input.replicationPassword },
        },
      },
    ],
    query: ({ dir }, password, sql) => queryOnce(dir, password, sql),
    prepareWriter: async (question) => {
      for (const sql of [
        `create database if not exists ${SCHEMA}`,
        // The writers reconnect often: proving a password each time would cost more than the writes.
        `create user if not exists '${WRITER}'@'%' identified by ''`,
        `grant all privileges on ${SCHEMA}.* to '${WRITER}'@'%'`,
        `grant select on haagent.journal to '${WRITER}'@'%'`,
      ])
        await question(sql);
    },
  };
};
