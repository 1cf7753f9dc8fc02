import { join } from 'node:path';
import { present, type Compiling } from './compiling.ts';
import { advertisedHost, checkSocket, osUserOf, refuseInside } from './compile-server.ts';
import type { Account, PostgresqlConfig } from './local.ts';
import type { WrittenLocal } from './local-schema.ts';
import type { WrittenPostgresql } from './postgresql-schema.ts';

/** Compiles the section of the database; `undefined` where a fault leaves nothing to go on with. */
export const compilePostgresql = (
  written: WrittenPostgresql,
  member: WrittenLocal['member'],
  compiling: Compiling,
): PostgresqlConfig | undefined => {
  const { host, secrets } = compiling;
  const binDir = binDirOf(written, compiling);
  const credentials = credentialsOf(written, compiling);
  const osUser = osUserOf(compiling, {
    section: 'postgresql',
    written: written.os_user,
    usual: 'postgres',
    product: 'PostgreSQL',
  });
  const socketDir = written.socket_dir ?? defaultSocketDir(compiling);
  checkSocket(compiling, 'postgresql', join(socketDir, `.s.PGSQL.${written.port}`));
  refuseInside(compiling, 'postgresql', member, written.data_dir);
  const rootCertificate = written.ssl?.root_certificate_file;
  if (rootCertificate !== undefined) secrets.text(['postgresql', 'ssl', 'root_certificate_file'], rootCertificate);
  if (credentials === undefined || binDir === undefined) return undefined;
  return {
    dataDir: written.data_dir,
    binDir,
    listenHost: written.listen,
    port: written.port,
    advertiseHost: written.advertise ?? advertisedHost(written.listen, host),
    socketDir,
    osUser,
    credentials,
    parameters: written.parameters,
    accessRules: written.access_rules,
    configFile: written.config_file,
    initdb: {
      dataChecksums: written.initdb.data_checksums,
      encoding: written.initdb.encoding,
      locale: written.initdb.locale,
    },
    ssl: written.ssl === undefined ? undefined : { mode: written.ssl.mode, ...present({ rootCertificate }) },
    restoreCommand: written.restore_command,
    archive: written.archive,
    customClone: written.clone_methods.map((each) => ({
      name: each.name,
      command: each.command,
      keepData: each.keep_data,
    })),
    customBootstrap: written.bootstrap,
    lostTailBytes: written.lost_tail_limit,
  };
};

const defaultSocketDir = ({ host }: Compiling): string =>
  host.kindOf('/var/run/postgresql') === 'directory' ? '/var/run/postgresql' : '/tmp';

const credentialsOf = (
  { authentication }: WrittenPostgresql,
  { fault, secrets }: Compiling,
): PostgresqlConfig['credentials'] | undefined => {
  const at = ['postgresql', 'authentication'];
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
  const like = (role: 'rewind' | 'agent'): Account | undefined =>
    read(role) ?? (replication && { username: authentication[role].username, password: replication.password });
  const rewind = like('rewind');
  const agent = like('agent');
  if (superuser === undefined || replication === undefined || rewind === undefined || agent === undefined)
    return undefined;
  return { superuser, replication, rewind, agent };
};

/** Where Debian and Red Hat put each version's programs. */
const INSTALLATIONS = [
  { root: '/usr/lib/postgresql', folder: /^(\d+(?:\.\d+)?)$/ },
  { root: '/usr', folder: /^pgsql-(\d+(?:\.\d+)?)$/ },
];

/** Versions of PostgreSQL installed on this host, with the directory of their programs; the newest first. */
const installations = (host: Compiling['host']): readonly { readonly version: string; readonly binDir: string }[] =>
  INSTALLATIONS.flatMap(({ root, folder }) =>
    host.list(root).flatMap((name) => {
      const version = folder.exec(name)?.[1];
      const binDir = join(root, name, 'bin');
      return version !== undefined && host.kindOf(join(binDir, 'postgres')) === 'file' ? [{ version, binDir }] : [];
    }),
  ).sort((a, b) => Number(b.version) - Number(a.version));

const binDirOf = (written: WrittenPostgresql, { fault, host }: Compiling): string | undefined => {
  const at = ['postgresql', 'bin_dir'];
  if (written.bin_dir !== undefined) {
    if (host.kindOf(join(written.bin_dir, 'postgres')) === 'file') return written.bin_dir;
    fault(at, `${written.bin_dir}, where no postgres is`, 'the directory with postgres, initdb and pg_basebackup');
    return undefined;
  }
  const known = installations(host);
  const data = host.read(join(written.data_dir, 'PG_VERSION'));
  const version = data.kind === 'read' ? data.text.trim() : undefined;
  const fitting = version === undefined ? known[0] : known.find((each) => each.version === version);
  if (fitting === undefined)
    fault(
      at,
      `nothing, and no PostgreSQL ${version ?? ''} below ${INSTALLATIONS.map(({ root }) => root).join(' or ')}`.replaceAll(
        '  ',
        ' ',
      ),
      version === undefined
        ? 'the directory with postgres, initdb and pg_basebackup'
        : `the programs of PostgreSQL ${version}, which made ${written.data_dir}`,
    );
  return fitting?.binDir;
};
