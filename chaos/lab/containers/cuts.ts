import { spawn } from 'node:child_process';

/** Who drops what: addresses whose packets are not let in, and addresses to which none are let out. */
export interface Filter {
  readonly notFrom: readonly string[];
  readonly notTo: readonly string[];
}

const TABLE = 'inet haagent_lab';
const NFT_MS = 10_000;

const drop = (field: 'saddr' | 'daddr', addresses: readonly string[]): string =>
  addresses.length === 0 ? '' : `ip ${field} { ${addresses.join(', ')} } drop;`;

/** The rules as nft reads them: what was there before is replaced in the same instant. */
export const renderFilter = ({ notFrom, notTo }: Filter): string => `table ${TABLE} {}
delete table ${TABLE}
table ${TABLE} {
  chain in { type filter hook input priority 0; ${drop('saddr', notFrom)} }
  chain out { type filter hook output priority 0; ${drop('daddr', notTo)} }
}
`;

/** Puts the filter in force in the network namespace of the process. */
export const applyFilter = (pid: number, filter: Filter): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('nsenter', ['-t', String(pid), '-n', 'nft', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: NFT_MS,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.on('error', () => undefined); // its exit tells
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`nft in the network namespace of ${pid} ended with ${code}: ${said}`)),
    );
    child.stdin.end(renderFilter(filter));
  });
