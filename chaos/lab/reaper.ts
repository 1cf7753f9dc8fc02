/**
 * Started by a lab for its own end: waits until the lab's process closes the pipe, as every dead process does, then
 * kills what still runs in the lab's directory and removes it. A directory that was kept on purpose has no owner file.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clear } from './home.ts';

const dir = process.argv[2];
if (dir === undefined) throw new Error('usage: node reaper.ts LAB_DIRECTORY');

for await (const _ of process.stdin) {
  // nothing is ever written to it
}
if (existsSync(join(dir, 'owner'))) await clear(dir, false);
