import { join } from 'node:path';
import { present, type Compiling } from './compiling.ts';
import type { Account, PostgresqlConfig } from './local.ts';
import type { WrittenLocal } from './local-schema.ts';
import type { WrittenPostgresql } from './postgresql-schema.ts';

/** The longest path of a Unix socket that Linux takes. */
const LONGEST_SOCKET = 107;

/** Compiles the section of the database; `undefined` where a fault leaves nothing to go on with. */
export const compilePostgresql = (
  written: WrittenPostgresql,
  member: WrittenLocal['member'],
  compiling: Compiling,
): PostgresqlConfig | undefined => {
  const { fault, host, secrets } = compiling;
  const binDir = binDirOf(written, compiling);
  const credentials = credentialsOf(written, compiling);
  const osUser = osUserOf(written, compiling);
  const socketDir = written.socket_dir ?? defaultSocketDir(compiling);
  const socket = join(socketDir, `.s.PGSQL.${written.port}`);
  if (Buffer.byteLength(socket) > LONGEST_SOCKET)
    fault(
      ['postgresql', 'socket_dir'],
      `a path of ${Buffer.byteLength(socket)} bytes with the socket's name`,
      `at most ${LONGEST_SOCKET} bytes`,
    );
  for (const name of ['state_dir', 'run_dir'] as const)
    if (within(member[name], written.data_dir))
      fault(['member', name], `${member[name]}, inside postgresql.data_dir`, 'a directory outside the data');
  const rootCertificate = written.ssl?.root_certificate_file;
  if (rootCertificate !== undefined) secrets.text(['postgresql', 'ssl', 'root_certificate_file'], rootCertificate);
  if (credentials === undefined || binDir === undefined) return undefined;
  return {
    dataDir: written.data_dir,
    binDir,
    listenHost: written.listen,
    port: written.port,
    advertiseHost: written.advertise ?? (oneAddress(written.listen) ? written.listen : host.name),
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

const oneAddress = (listen: string): boolean => !/[*, ]/.test(listen) && listen !== '0.0.0.0' && listen !== '::';

/** `inner` is `outer` or lies below it: a clone would rename it aside together with the data. */
const within = (inner: string, outer: string): boolean =>
  `${inner.replace(/\/+$/, '')}/`.startsWith(`${outer.replace(/\/+$/, '')}/`);

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

/** PostgreSQL refuses to run as root, so a root agent needs another user for it. */
const osUserOf = ({ os_user: written }: WrittenPostgresql, { fault, host }: Compiling): PostgresqlConfig['osUser'] => {
  const at = ['postgresql', 'os_user'];
  if (written === undefined && host.uid !== 0) return undefined;
  const wanted = written ?? 'postgres';
  const numbers = /^(\d+):(\d+)$/.exec(wanted);
  const found =
    numbers === null ? userOf(wanted, host.read('/etc/passwd')) : { uid: Number(numbers[1]), gid: Number(numbers[2]) };
  if (found === undefined) {
    fault(at, JSON.stringify(wanted), 'a user of /etc/passwd, or uid:gid');
    return undefined;
  }
  if (found.uid === 0) fault(at, JSON.stringify(wanted), 'a user other than root: PostgreSQL refuses to run as root');
  if (host.uid !== 0 && found.uid !== host.uid)
    fault(at, `${JSON.stringify(wanted)}, but the agent runs as user ${host.uid}`, 'nothing, or that same user');
  return found;
};

const userOf = (
  name: string,
  passwd: ReturnType<Compiling['host']['read']>,
): { readonly uid: number; readonly gid: number } | undefined => {
  if (passwd.kind !== 'read') return undefined;
  const fields = passwd.text
    .split('\n')
    .map((line) => line.split(':'))
    .find((parts) => parts[0] === name);
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
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
