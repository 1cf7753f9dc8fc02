import { known } from '../../../src/core/known.ts';
import type { Event, Memory, Task, TaskResult } from '../../../src/core/memory.ts';
import { takeSnapshot, wantedSource } from '../../../src/core/snapshot.ts';
import { listens, looksClosely } from '../../../src/core/quorum/pace.ts';
import type { Host } from './host.ts';
import type { Operate } from '../database/operations.ts';
import { simPositions } from '../database/positions.ts';
import { wakeable } from './wakeable.ts';
import type { World } from '../world.ts';

const STEADY = 1_000;
const BUSY = 100;

/** What src/agent/executor.ts and observer.ts do: one task at a time, and looks at the database. */
export const createExecutor = (deps: {
  readonly world: World;
  readonly host: Host;
  readonly operate: Operate;
  readonly memory: () => Memory;
  readonly later: (delay: number, what: () => void) => () => void;
  readonly inProcess: (what: () => void) => void;
  readonly post: (event: Event) => void;
  readonly renew: () => void;
}): {
  readonly run: (task: Task) => void;
  readonly leadershipChanged: (memory: Memory) => void;
  readonly abandon: () => void;
  readonly observer: { readonly wake: () => void };
} => {
  const { world, host, later } = deps;
  let epoch = 0;
  let current: { readonly task: Task; abort: () => void } | undefined;

  const look = (): Memory['database'] => known(host.database.view(host.hungFor()));
  const observer = wakeable(later, (done) => {
    const begun = epoch;
    const at = host.now();
    const seen = look();
    const takes = seen.kind === 'known' && seen.value.kind === 'unresponsive' ? 1_000 : world.between(0.5, 8);
    later(takes, () => {
      if (begun !== epoch) return done(BUSY / 10);
      deps.post({ kind: 'database', database: seen, at, rewindObstacles: [] });
      done(changing(deps.memory()) ? BUSY : STEADY);
    });
  });

  const end = (mine: object, task: Task, result: TaskResult): void => {
    if (current !== mine) return;
    current = undefined;
    const at = host.now();
    const seen = look();
    later(world.between(0.5, 4), () => {
      epoch += 1;
      deps.post({ kind: 'task-ended', task, result, database: seen, at });
      observer.wake();
    });
  };
  const begin = (task: Task): void => {
    const mine: { readonly task: Task; abort: () => void } = { task, abort: () => {} };
    current = mine;
    epoch += 1;
    const source = (): ReturnType<typeof wantedSource> => wantedSource(takeSnapshot(deps.memory(), simPositions));
    // A process that is stopped between its decision and the deed does it when it goes on, with nothing checked again (A15).
    mine.abort = later(world.between(0.1, 5), () => {
      if (current !== mine) return;
      mine.abort = deps.operate(task, { source, renew: deps.renew }, (result) =>
        deps.inProcess(() => end(mine, task, result)),
      );
    });
  };

  return {
    run: (task) => {
      current?.abort();
      begin(task);
    },
    leadershipChanged: (memory) => {
      const mine = current;
      if (mine === undefined) return;
      const { task } = mine;
      if ((task.kind !== 'promote' && task.kind !== 'barrier') || memory.reign?.term === task.term) return;
      mine.abort();
      mine.abort = () => {};
      later(world.between(0.5, 5), () => end(mine, task, { kind: 'aborted' }));
    },
    abandon: () => {
      // What the server does by itself goes on; what this process did for it does not.
      current?.abort();
      current = undefined;
    },
    observer,
  };
};

/** Something is going on that a second is too long for. */
const changing = (m: Memory): boolean => {
  const db = m.database.kind === 'known' ? m.database.value : undefined;
  if (db?.kind !== 'running' || looksClosely(m) || listens(m)) return true;
  if (db.role === 'replica') return m.reign !== undefined || !db.streaming || m.leaderlessSince !== undefined;
  return m.reign === undefined || m.handover !== undefined;
};
