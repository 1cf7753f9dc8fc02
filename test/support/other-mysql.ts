import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** MySQL, which Debian's stable suites do not have: fetched into a folder of its own. */

const SCRIPT = fileURLToPath(new URL('../../scripts/fetch-mysql.sh', import.meta.url));
const CHECKOUT = fileURLToPath(new URL('../../.cache', import.meta.url));

/** Outside the checkout for root: its databases run as another user, who may have no way into root's folders. */
const FOLDER = join(process.getuid?.() === 0 ? '/var/cache/haagent' : CHECKOUT, 'mysql');

/** Where the programs are, or will be. */
export const MYSQL_BIN_DIR = join(FOLDER, 'usr/bin');

/** Fetches the server where it is not there yet: a download of about 60 MB. */
export const fetchMysql = (): void => {
  execFileSync('sh', [SCRIPT, FOLDER], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
};
