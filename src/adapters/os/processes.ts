import type { ChildProcess } from 'node:child_process';
import { ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { createLaunch } from './launch.ts';
import { openLife } from './life.ts';
import { createPipe } from './pipe.ts';
import { createProcessTable } from './process-table.ts';
import { createRun } from './run.ts';

/** How often a process is looked at: one whose end is an event besides need not be watched closely. */
const EXIT_POLL = { child: ms(1_000), stranger: ms(50) };

/** Child processes, and other processes through /proc (Linux). */
export const createProcesses = ({ clock }: { readonly clock: Clock }): Processes => {
  const children = new Map<number, ChildProcess>();

  const started = (id: ProcessId, child: ChildProcess): void => {
    children.set(id.pid, child);
    child.once('exit', () => children.delete(id.pid));
  };

  /** Also for children: their exit event comes at once, and not at all where something else reaps them. */
  const onExit: Processes['onExit'] = (id, listener) => {
    const life = openLife(id);
    const child = children.get(id.pid);
    let cancelTimer = (): void => undefined;
    const cancel = (): void => {
      cancelTimer();
      child?.off('exit', check);
      life.close();
    };
    const check = (): void => {
      if (life.lasts()) return poll();
      cancel();
      listener();
    };
    const poll = (): void => {
      cancelTimer();
      cancelTimer = clock.timer(child === undefined ? EXIT_POLL.stranger : EXIT_POLL.child, check, { unref: true });
    };
    child?.on('exit', check);
    poll();
    return cancel;
  };

  return {
    ...createProcessTable(),
    run: createRun(clock),
    pipe: createPipe(clock),
    launch: createLaunch(started),
    onExit,
  };
};
