import { spawnSync } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';
import type { Aside } from './aside.ts';

/** Runs one program to its end, in a thread that may hang. */
const { file, args, input, timeoutMs }: Aside = workerData;
// Programs of the system lie where a user's PATH does not always lead.
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
const ended = spawnSync(file, args, { input, timeout: timeoutMs, killSignal: 'SIGKILL', encoding: 'utf8', env });
const said = ended.error === undefined ? ended.stderr.trim() : ended.error.message;
parentPort?.postMessage({ done: ended.status === 0, said, output: ended.stdout ?? '' });
