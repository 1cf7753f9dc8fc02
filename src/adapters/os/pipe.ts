import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes, RunResult } from '../../ports/processes.ts';
import { createCappedText } from './capped.ts';
import { spawnable } from './spawn-options.ts';

const COMPLAINTS_LIMIT = 262_144;
/** Between SIGTERM and SIGKILL. */
const KILL_GRACE = ms(1_000);

/**
 * Runs a program that is fed, or whose output is taken, while it runs; neither is ever held in memory whole. Killed (its whole
 * group) at the deadline, at an abort, and when what feeds it fails.
 */
export const createPipe =
  (clock: Clock): Processes['pipe'] =>
  (command) => {
    const { signal, timeout, feed } = command;
    const begun = clock.now();
    const { file, args, options } = spawnable(command);
    const child = spawn(file, args, { ...options, stdio: 'pipe' });
    const complaints = createCappedText(COMPLAINTS_LIMIT);
    child.stderr.on('data', (chunk: Buffer) => complaints.add(chunk));
    let stopped: 'timed-out' | 'aborted' | undefined;
    let cancelKill = (): void => undefined;

    const signalGroup = (name: 'SIGTERM' | 'SIGKILL'): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // The group has ended by itself.
      }
    };
    const stop = (why: 'timed-out' | 'aborted'): void => {
      if (stopped !== undefined) return;
      stopped = why;
      signalGroup('SIGTERM');
      cancelKill = clock.timer(KILL_GRACE, () => signalGroup('SIGKILL'));
    };
    const aborted = (): void => stop('aborted');
    const cancelTimer = clock.timer(timeout, () => stop('timed-out'));
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });

    const feeding =
      feed === undefined
        ? Promise.resolve(child.stdin.end())
        : pipeline(Readable.from(feed, { objectMode: false }), child.stdin);
    feeding.catch(() => signalGroup('SIGTERM'));

    const ended = new Promise<RunResult>((resolve) => {
      const finish = (result: RunResult): void => {
        cancelTimer();
        cancelKill();
        signal.removeEventListener('abort', aborted);
        resolve(result);
      };
      child.once('error', (error) => finish({ kind: 'not-started', why: `${command.file}: ${error.message}` }));
      child.once('exit', (code, killedBy) => {
        const said = { stdout: '', stderr: complaints.text(), tookMs: elapsedAtMost(begun, clock.now()) };
        if (stopped === 'aborted') finish({ kind: 'aborted' });
        else if (stopped === 'timed-out') finish({ kind: 'timed-out', ...said });
        else if (code === null) finish({ kind: 'killed', signal: killedBy ?? 'unknown', ...said });
        else finish({ kind: 'exited', code, ...said });
      });
    });
    if (feed !== undefined) child.stdout.resume();
    return { output: child.stdout, ended, fed: feeding.then(() => undefined) };
  };
