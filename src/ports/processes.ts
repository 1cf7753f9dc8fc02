import type { Ms } from '../core/brand.ts';

/** Child processes and what /proc tells. Processes are known by pid AND start time; zombies count as dead. */
export interface Processes extends ProcessTable {
  /** Runs a program to its end. Never a shell. Output is capped. Killed (TERM, then KILL, whole group) at deadline or abort. */
  run(command: Command & { readonly timeout: Ms; readonly signal: AbortSignal }): Promise<RunResult>;
  /**
   * Runs a program that is fed piece by piece, or whose output is taken so. `fed` rejects when what feeds it failed, whatever
   * the program made of the part that it got. Killed (TERM, then KILL, whole group) at deadline or abort.
   */
  pipe(
    command: Command & {
      readonly timeout: Ms;
      readonly signal: AbortSignal;
      readonly feed?: AsyncIterable<Uint8Array>;
    },
  ): {
    readonly output: AsyncIterable<Uint8Array>;
    readonly fed: Promise<void>;
    readonly ended: Promise<RunResult>;
  };
  /**
   * Starts a program in a session of its own that outlives this process; its output goes to a file. With `group` it is put
   * into a control group of that name where the machine permits it, so that a fence can kill all of it at once: the name
   * must belong to this one database on the whole host.
   */
  launch(command: Command & { readonly output: string; readonly group?: string }): Promise<ProcessId>;
  /** Calls back once when the process ends (exit event of a child, any other is polled every 50 ms). Returns a cancel function. */
  onExit(id: ProcessId, listener: () => void): () => void;
}

/** What runs on this host, as /proc tells, and signals to it. */
export interface ProcessTable {
  find(pid: number): ProcessInfo | undefined;
  alive(id: ProcessId): boolean;
  /**
   * All living processes whose working directory is `directory`, and all their descendants; without this process, and
   * without an operator's terminal programs that merely stand there (a shell, an editor).
   */
  within(directory: string): readonly ProcessInfo[];
  /** Sends a signal if the process is still the one that is meant. */
  signal(
    id: ProcessId,
    signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGHUP' | 'SIGUSR1',
  ): boolean;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Run as this user where the agent is root. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, from /proc/<pid>/stat. */
  readonly startTime: string;
}

export interface ProcessInfo extends ProcessId {
  readonly ppid: number;
  /** One letter of /proc/<pid>/stat: R, S, D, T, Z … */
  readonly state: string;
  readonly command: string;
}

export type RunResult =
  | {
      readonly kind: 'exited';
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'killed';
      readonly signal: string;
      readonly stdout: string;
      readonly stderr: string;
      readonly tookMs: number;
    }
  | { readonly kind: 'timed-out'; readonly stdout: string; readonly stderr: string; readonly tookMs: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'not-started'; readonly why: string };
