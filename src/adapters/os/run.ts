import { spawn, type ChildProcess } from 'node:child_process';
import { ms, type Ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes, RunResult } from '../../ports/processes.ts';
import { createCappedText } from './capped.ts';
import { NOT_EXECUTED, spawnable } from './spawn-options.ts';

const OUTPUT_LIMIT = 1_048_576;
/** Between SIGTERM and SIGKILL, and between SIGKILL and giving up on a process that cannot die (state D). */
const KILL_GRACE = ms(1_000);
/** A daemon that the program left behind may hold its output open for ever. */
const OUTPUT_GRACE = ms(200);

/**
 * Runs a program to its end, in a process group of its own. Ends at the latest two seconds after the timeout or abort:
 * one for SIGTERM, one for SIGKILL. Never throws for what the program did.
 */
export const createRun =
  (clock: Clock): Processes['run'] =>
  (command) =>
    new Promise((resolve) => {
      const { signal, timeout } = command;
      if (signal.aborted) {
        resolve({ kind: 'aborted' });
        return;
      }
      const begun = clock.now();
      const { file, args, options } = spawnable(command);
      const [stdout, stderr] = [createCappedText(OUTPUT_LIMIT), createCappedText(OUTPUT_LIMIT)];
      const timers = new Set<() => void>();
      const after = (delay: Ms, callback: () => void): void => {
        timers.add(clock.timer(delay, callback));
      };
      let child: ChildProcess;
      try {
        child = spawn(file, args, { ...options, stdio: 'pipe' });
      } catch (error) {
        resolve({ kind: 'not-started', why: `${command.file}: ${messageOf(error)}` });
        return;
      }

      let stopped: 'timed-out' | 'aborted' | undefined;
      const finish = (result: RunResult): void => {
        for (const cancel of timers) cancel();
        signal.removeEventListener('abort', aborted);
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
        resolve(result);
      };
      const output = (): { stdout: string; stderr: string; tookMs: number } => ({
        stdout: stdout.text(),
        stderr: stderr.text(),
        tookMs: elapsedAtMost(begun, clock.now()),
      });
      const finishStopped = (why: 'timed-out' | 'aborted'): void =>
        finish(why === 'aborted' ? { kind: 'aborted' } : { kind: 'timed-out', ...output() });
      const finishEnded = (code: number | null, killedBy: string | null): void => {
        if (stopped !== undefined) finishStopped(stopped);
        else if (code === null) finish({ kind: 'killed', signal: killedBy ?? 'unknown', ...output() });
        else finish(exitResult(command.file, code, output()));
      };
      const stop = (why: 'timed-out' | 'aborted'): void => {
        if (stopped !== undefined) return;
        stopped = why;
        signalGroup(child.pid, 'SIGTERM');
        after(KILL_GRACE, () => {
          signalGroup(child.pid, 'SIGKILL');
          after(KILL_GRACE, () => finishStopped(why));
        });
      };
      const aborted = (): void => stop('aborted');

      signal.addEventListener('abort', aborted, { once: true });
      after(timeout, () => stop('timed-out'));
      child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
      child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(command.input ?? '');
      child.once('error', (error) => finish({ kind: 'not-started', why: `${command.file}: ${error.message}` }));
      child.once('exit', (code, killedBy) => {
        if (stopped !== undefined) signalGroup(child.pid, 'SIGKILL');
        after(OUTPUT_GRACE, () => finishEnded(code, killedBy));
      });
      child.once('close', finishEnded);
    });

const exitResult = (
  file: string,
  code: number,
  output: { readonly stdout: string; readonly stderr: string; readonly tookMs: number },
): RunResult => {
  const notExecuted = code === 127 ? NOT_EXECUTED.exec(output.stderr)?.[1] : undefined;
  return notExecuted === undefined
    ? { kind: 'exited', code, ...output }
    : { kind: 'not-started', why: `${file}: ${notExecuted}` };
};

const signalGroup = (pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
