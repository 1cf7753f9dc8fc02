import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const DEBIAN_ROOT = '/usr/lib/postgresql';

/** The directory of the newest PostgreSQL server's programs: Debian's, else the one that is on PATH. */
export const findPostgresBin = (): string => {
  const versions = existsSync(DEBIAN_ROOT) ? readdirSync(DEBIAN_ROOT) : [];
  const candidates = [
    ...versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_ROOT, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  const found = candidates.find((directory) => existsSync(join(directory, 'postgres')));
  if (found === undefined)
    throw new Error(`no PostgreSQL server found in ${DEBIAN_ROOT} or on PATH: sh scripts/run.sh setup installs one`);
  return found;
};

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The account that databases run under where we are root (PostgreSQL refuses root); undefined where we are not. */
export const findAccount = (name: string): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([account]) => account === name);
  if (fields === undefined) throw new Error(`there is no user "${name}", whom PostgreSQL is to run as`);
  return { name, uid: Number(fields[2]), gid: Number(fields[3]) };
};
