import { join } from 'node:path';
import { advertisedHost, checkSocket, osUserOf, refuseInside } from './compile-server.ts';
import { present, type Compiling } from './compiling.ts';
import type { Account, MysqlConfig } from './local.ts';
import type { WrittenLocal } from './local-schema.ts';
import type { WrittenMysql } from './mysql-schema.ts';

type Engine = 'mysql' | 'mariadb';

const PRODUCTS = {
  mysql: { name: 'MySQL', server: 'mysqld' },
  mariadb: { name: 'MariaDB', server: 'mariadbd' },
} as const;

/** Where packages put the programs. */
const BIN_DIRS = ['/usr/sbin', '/usr/bin', '/usr/libexec', '/usr/local/mysql/bin'];

/** Compiles the section of the database; `undefined` where a fault leaves nothing to go on with. */
export const compileMysql = (
  engine: Engine,
  written: WrittenMysql,
  member: WrittenLocal['member'],
  compiling: Compiling,
): MysqlConfig | undefined => {
  const { host, secrets } = compiling;
  const binDirs = binDirsOf(engine, written, compiling);
  const credentials = credentialsOf(engine, written, compiling);
  const osUser = osUserOf(compiling, {
    section: engine,
    written: written.os_user,
    usual: 'mysql',
    product: PRODUCTS[engine].name,
  });
  checkSocket(compiling, engine, join(written.socket_dir, 'private.sock'));
  refuseInside(compiling, engine, member, written.data_dir);
  const rootCertificate = written.tls?.root_certificate_file;
  if (rootCertificate !== undefined) secrets.text([engine, 'tls', 'root_certificate_file'], rootCertificate);
  if (credentials === undefined || binDirs === undefined) return undefined;
  return {
    dataDir: written.data_dir,
    binDirs,
    listenHost: written.listen,
    port: written.port,
    advertiseHost: written.advertise ?? advertisedHost(written.listen, host),
    socketDir: written.socket_dir,
    osUser,
    credentials,
    parameters: written.parameters,
    configFile: written.config_file,
    tls: written.tls === undefined ? undefined : { mode: written.tls.mode, ...present({ rootCertificate }) },
    customClone: written.clone_methods,
    customBootstrap: written.bootstrap,
    lostTailBytes: written.lost_tail_limit,
  };
};

const binDirsOf = (
  engine: Engine,
  written: WrittenMysql,
  { fault, host }: Compiling,
): readonly string[] | undefined => {
  const { server, name } = PRODUCTS[engine];
  const folders = written.bin_dir === undefined ? BIN_DIRS : [written.bin_dir];
  if (folders.some((folder) => host.kindOf(join(folder, server)) === 'file')) return folders;
  fault(
    [engine, 'bin_dir'],
    written.bin_dir === undefined
      ? `nothing, and no ${server} in ${folders.join(', ')}`
      : `${written.bin_dir}, where no ${server} is`,
    `the directory with ${server} and its tools; is ${name} installed?`,
  );
  return undefined;
};

const credentialsOf = (
  engine: Engine,
  { authentication }: WrittenMysql,
  { fault, secrets }: Compiling,
): MysqlConfig['credentials'] | undefined => {
  const at = [engine, 'authentication'];
  const read = (role: keyof typeof authentication): Account | undefined => {
    const { username, password, password_file: path } = authentication[role];
    const chosen = secrets.choose([...at, role], 'password', password, path);
    return chosen === undefined ? undefined : { username, password: chosen };
  };
  const needed = (role: 'superuser' | 'replication'): Account | undefined => {
    const account = read(role);
    if (account === undefined && authentication[role].password_file === undefined)
      fault([...at, role, 'password'], 'nothing', 'a password, or password_file');
    return account;
  };
  const superuser = needed('superuser');
  const replication = needed('replication');
  const agent =
    read('agent') ?? (replication && { username: authentication.agent.username, password: replication.password });
  // Held together they would be one account with the rights of both, from everywhere.
  const names = Object.values(authentication).map(({ username }) => username);
  if (new Set(names).size < names.length) fault(at, `one name for two accounts (${names.join(', ')})`, 'three names');
  if (superuser === undefined || replication === undefined || agent === undefined) return undefined;
  return { superuser, replication, agent };
};
