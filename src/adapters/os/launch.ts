import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { StepError } from '../../core/errors.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { cgroupEntrance } from './cgroup.ts';
import { readStat } from './proc.ts';
import { spawnable, type Spawnable } from './spawn-options.ts';

/**
 * Starts a program that outlives this process: own session, output appended to a file (mode 0600, owned by its user), and
 * where `group` is given and cgroup v2 can be written, a control group of its own. `started` gets the child, which Node reaps.
 * Throws `StepError` code `failed` when it cannot be started.
 */
export const createLaunch =
  (started: (id: ProcessId, child: ChildProcess) => void): Processes['launch'] =>
  async (command) => {
    const { file, args, options } = inGroup(command.group, spawnable(command));
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

/** Enters the group before the program begins, so that no child of it is born outside; where it may not, outside. */
const inGroup = (name: string | undefined, target: Spawnable): Spawnable => {
  const entrance = name === undefined ? undefined : cgroupEntrance(name);
  if (entrance === undefined) return target;
  const enter = 'echo $$ 2>/dev/null > "$0"; exec "$@"';
  return { ...target, file: '/bin/sh', args: ['-c', enter, entrance, target.file, ...target.args] };
};
