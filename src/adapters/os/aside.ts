import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';

export interface Aside {
  readonly file: string;
  readonly args: readonly string[];
  readonly input: string;
  readonly timeoutMs: number;
}

export interface AsideResult {
  readonly done: boolean;
  /** What the program said on standard error, or why it could not be run. */
  readonly said: string;
  /** What it wrote to standard output. */
  readonly output: string;
}

const ENTRY = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'aside-worker.ts' : 'aside-worker.js');

/**
 * Runs a program in a thread of its own: starting one waits for the disk that it lies on, and whoever must not be held up by a
 * disk that hangs goes on meanwhile. Ends by `timeout` and never rejects; the thread may stay behind, idle.
 */
export const runAside = (
  clock: Clock,
  {
    file,
    args,
    input,
    timeout,
  }: { readonly file: string; readonly args: readonly string[]; readonly input?: string; readonly timeout: Ms },
): Promise<AsideResult> =>
  new Promise((resolve) => {
    const job: Aside = { file, args, input: input ?? '', timeoutMs: timeout };
    const worker = new Worker(ENTRY, { workerData: job });
    worker.unref();
    const end = (ended: AsideResult): void => {
      cancel();
      void worker.terminate();
      resolve(ended);
    };
    const fail = (said: string): void => end({ done: false, said, output: '' });
    const cancel = clock.timer(timeout, () => fail(`${file} did not end within ${timeout} ms`));
    worker.once('message', (message: unknown) => {
      if (isResult(message)) end(message);
      else fail(`${file}: its end is not understood`);
    });
    worker.once('error', (error) => fail(error.message));
    worker.once('exit', () => fail(`${file}: the thread that ran it ended`));
  });

const isResult = (message: unknown): message is AsideResult =>
  typeof message === 'object' &&
  message !== null &&
  'done' in message &&
  typeof message.done === 'boolean' &&
  'said' in message &&
  typeof message.said === 'string' &&
  'output' in message &&
  typeof message.output === 'string';
