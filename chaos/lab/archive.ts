import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './host.ts';
import type { LabArchive } from './lab.ts';

export interface Archive extends LabArchive {
  /** Puts a file into it: a program with the file's path and name as its arguments. */
  readonly command: string;
}

/** The delay is read again and again, so that an archiver that waits notices when it need not any more. */
const script = (files: string, delay: string): string => `#!/bin/sh
set -eu
waited=0
while [ "$waited" -lt "$(cat '${delay}')" ]; do sleep 0.1; waited=$((waited + 100)); done
if [ -e '${files}'/"$2" ]; then exec cmp -s "$1" '${files}'/"$2"; fi
cp "$1" '${files}'/".$2.$$"
mv '${files}'/".$2.$$" '${files}'/"$2"
`;

/** An archive below the lab's directory. */
export const createArchive = (labDir: string, account: Account | undefined): Archive => {
  const files = join(labDir, 'archive');
  const delay = join(labDir, 'archive-delay');
  const command = join(labDir, 'archive-file');
  mkdirSync(files);
  if (account !== undefined) chownSync(files, account.uid, account.gid);
  writeFileSync(delay, '0');
  writeFileSync(command, script(files, delay));
  chmodSync(command, 0o755);
  return {
    command,
    throttle: (perFileMs) => {
      writeFileSync(`${delay}.new`, String(perFileMs));
      renameSync(`${delay}.new`, delay);
      return Promise.resolve();
    },
    read: (name) => readFile(join(files, name), 'latin1'),
    files: () => Promise.resolve(readdirSync(files).filter((name) => !name.startsWith('.'))),
  };
};
