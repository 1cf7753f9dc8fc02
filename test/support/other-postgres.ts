import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Versions that current Debian suites have besides the installed one; each is fetched into a folder of its own. */
export type OtherVersion = '17' | '18';

const SCRIPT = fileURLToPath(new URL('../../scripts/fetch-postgres.sh', import.meta.url));
const CHECKOUT = fileURLToPath(new URL('../../.cache', import.meta.url));

/** Outside the checkout for root: its databases run as another user, who may have no way into root's folders. */
const folderOf = (version: OtherVersion): string =>
  join(process.getuid?.() === 0 ? '/var/cache/haagent' : CHECKOUT, `postgresql-${version}`);

/** Where the programs of this version are, or will be. */
export const binDirOf = (version: OtherVersion): string =>
  join(folderOf(version), 'usr/lib/postgresql', version, 'bin');

/** Fetches a server where it is not there yet: a download of about 50 MB. */
export const fetchPostgres = (version: OtherVersion): void => {
  execFileSync('sh', [SCRIPT, version, folderOf(version)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 240_000,
  });
};
