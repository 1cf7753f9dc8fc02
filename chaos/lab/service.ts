import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { findProc, LAB_MARK, type Proc } from './proc.ts';
import { pause, waitFor } from './wait.ts';

/** A program that the lab runs as an init system would: in a session of its own, started again when it ends. */
export interface Service {
  /** Its process while it lives. */
  process(): Proc | undefined;
  /** Every end that was not asked for: exit code or signal. */
  readonly ends: readonly string[];
  /** Starts it when it does not run, and keeps it running. */
  start(): void;
  /** From now on nothing starts it again; what runs is left alone. */
  abandon(): void;
  /** Ends it with `signal`, after `graceMs` with SIGKILL. Returns when it is gone. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly graceMs?: number }): Promise<void>;
}

export interface ServiceOptions {
  /** A command that runs the program elsewhere and becomes it: on another host of the lab, for instance. */
  readonly enter?: readonly string[];
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Output goes to the end of this file. */
  readonly output: string;
  readonly labDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** How long after its end it is started again; undefined: never. */
  readonly restartAfterMs?: number;
}

/** A service that is not running yet. */
export const createService = (options: ServiceOptions): Service => {
  const ends: string[] = [];
  let child: ChildProcess | undefined;
  let wanted = false;

  const launch = (): void => {
    const output = openSync(options.output, 'a');
    const [file, ...args] = [...(options.enter ?? []), options.file, ...options.args];
    const started = spawn(file ?? options.file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env, [LAB_MARK]: options.labDir },
      stdio: ['ignore', output, output],
      detached: true,
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    closeSync(output);
    started.unref();
    child = started;
    let ended = false;
    const onEnd = (how: string): void => {
      if (ended) return;
      ended = true;
      if (child === started) child = undefined;
      if (!wanted) return;
      ends.push(how);
      if (options.restartAfterMs === undefined) wanted = false;
      else setTimeout(() => wanted && child === undefined && launch(), options.restartAfterMs).unref();
    };
    started.once('error', (error) => onEnd(error.message));
    started.once('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));
  };

  const living = (): Proc | undefined => (child?.pid === undefined ? undefined : findProc(child.pid));

  return {
    process: living,
    ends,
    start: () => {
      wanted = true;
      if (child === undefined) launch();
    },
    abandon: () => {
      wanted = false;
    },
    stop: async ({ signal = 'SIGTERM', graceMs = 10_000 } = {}) => {
      wanted = false;
      const stopping = child;
      if (stopping === undefined) return;
      stopping.kill(signal);
      const gone = (): boolean => child !== stopping;
      const killer = setTimeout(() => stopping.kill('SIGKILL'), graceMs);
      try {
        await waitFor(`${options.file} ends after ${signal}`, gone, { deadlineMs: graceMs + 5_000, everyMs: 10 });
      } finally {
        clearTimeout(killer);
      }
      await pause(0);
    },
  };
};
