import type { Compiling } from './compiling.ts';
import type { WrittenLocal } from './local-schema.ts';

/** What the sections of all engines have in common: where a server listens, whom it runs as, where its folders may lie. */

type Engine = 'postgresql' | 'mysql' | 'mariadb';

/** The longest path of a Unix socket that Linux takes. */
const LONGEST_SOCKET = 107;

export const checkSocket = ({ fault }: Compiling, section: Engine, socket: string): void => {
  const length = Buffer.byteLength(socket);
  if (length > LONGEST_SOCKET)
    fault(
      [section, 'socket_dir'],
      `a path of ${length} bytes with the socket's name`,
      `at most ${LONGEST_SOCKET} bytes`,
    );
};

/** How others reach the server where nothing is said: at the one address that it listens on, else by the host's name. */
export const advertisedHost = (listen: string, host: Compiling['host']): string =>
  !/[*, ]/.test(listen) && listen !== '0.0.0.0' && listen !== '::' ? listen : host.name;

/** A clone would rename what lies inside the data aside together with it. */
export const refuseInside = (
  { fault }: Compiling,
  section: Engine,
  member: WrittenLocal['member'],
  dataDir: string,
): void => {
  for (const name of ['state_dir', 'run_dir'] as const)
    if (within(member[name], dataDir))
      fault(['member', name], `${member[name]}, inside ${section}.data_dir`, 'a directory outside the data');
};

const within = (inner: string, outer: string): boolean =>
  `${inner.replace(/\/+$/, '')}/`.startsWith(`${outer.replace(/\/+$/, '')}/`);

interface OsUser {
  readonly uid: number;
  readonly gid: number;
}

/** The servers refuse to run as root, so a root agent needs another user for them. */
export const osUserOf = (
  { fault, host }: Compiling,
  {
    section,
    written,
    usual,
    product,
  }: { section: Engine; written: string | undefined; usual: string; product: string },
): OsUser | undefined => {
  const at = [section, 'os_user'];
  if (written === undefined && host.uid !== 0) return undefined;
  const wanted = written ?? usual;
  const numbers = /^(\d+):(\d+)$/.exec(wanted);
  const found =
    numbers === null ? userOf(wanted, host.read('/etc/passwd')) : { uid: Number(numbers[1]), gid: Number(numbers[2]) };
  if (found === undefined) {
    fault(at, JSON.stringify(wanted), 'a user of /etc/passwd, or uid:gid');
    return undefined;
  }
  if (found.uid === 0) fault(at, JSON.stringify(wanted), `a user other than root: ${product} refuses to run as root`);
  if (host.uid !== 0 && found.uid !== host.uid)
    fault(at, `${JSON.stringify(wanted)}, but the agent runs as user ${host.uid}`, 'nothing, or that same user');
  return found;
};

const userOf = (name: string, passwd: ReturnType<Compiling['host']['read']>): OsUser | undefined => {
  if (passwd.kind !== 'read') return undefined;
  const fields = passwd.text
    .split('\n')
    .map((line) => line.split(':'))
    .find((parts) => parts[0] === name);
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
};
