import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { StepError } from '../../core/errors.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { joinCgroup } from './cgroup.ts';
import { readStat } from './proc.ts';
import { spawnable } from './spawn-options.ts';

/**
 * Starts a program that outlives this process: own session, output appended to a file (mode 0600, owned by its user), and
 * where `group` is given and cgroup v2 can be written, a control group of its own. `started` gets the child, which Node reaps.
 * Throws `StepError` code `failed` when it cannot be started.
 */
export const createLaunch =
  (started: (id: ProcessId, child: ChildProcess) => void): Processes['launch'] =>
  async (command) => {
    const { file, args, options } = spawnable(command);
    const output = openSync(command.output, 'a', 0o600);
    try {
      if (command.uid !== undefined && process.getuid?.() === 0)
        fchownSync(output, command.uid, command.gid ?? command.uid);
      const stdin = command.input === undefined ? 'ignore' : 'pipe';
      const child = spawn(file, args, { ...options, stdio: [stdin, output, output] });
      const pid = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('spawn', () => resolve(child.pid ?? 0));
      });
      child.on('error', () => undefined);
      child.unref();
      if (child.stdin !== null) {
        child.stdin.on('error', () => undefined);
        child.stdin.end(command.input);
      }
      if (command.group !== undefined) joinCgroup(command.group, [pid]);
      const id = { pid, startTime: readStat(pid)?.startTime ?? '' };
      started(id, child);
      return id;
    } catch (error) {
      throw new StepError(
        'failed',
        `starting ${command.file}: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    } finally {
      closeSync(output);
    }
  };
