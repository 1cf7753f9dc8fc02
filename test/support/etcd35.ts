import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BINARY = fileURLToPath(new URL('../../.cache/etcd35/usr/bin/etcd', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../scripts/fetch-etcd35.sh', import.meta.url));

/** Path of an etcd 3.5 server; fetched from Debian when it is not there yet. */
export const etcd35Binary = async (): Promise<string> => {
  if (!existsSync(BINARY)) await promisify(execFile)(SCRIPT, [], { timeout: 50_000 });
  return BINARY;
};
