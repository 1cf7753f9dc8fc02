import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const DEBIAN_ROOT = '/usr/lib/postgresql';

/** Names the server to test with: the directory of its programs. */
const BIN_VARIABLE = 'TEST_PG_BIN';

/**
 * The directory of a PostgreSQL server's programs: the one that the environment names (TEST_PG_BIN), else Debian's newest,
 * else the one that is on PATH.
 */
export const findPostgresBin = (): string => {
  const wanted = process.env[BIN_VARIABLE];
  if (wanted !== undefined) {
    if (existsSync(join(wanted, 'postgres'))) return wanted;
    throw new Error(`${BIN_VARIABLE} is ${wanted}, where there is no PostgreSQL server`);
  }
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
