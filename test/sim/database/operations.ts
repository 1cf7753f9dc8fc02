import type { Source } from '../../../src/core/database.ts';
import type { Task, TaskResult } from '../../../src/core/memory.ts';
import type { Host } from '../host/host.ts';
import type { World } from '../world.ts';

/** Begins a task on a host's database. Returns what an abort does; `ended` is called at most once, and not after an abort. */
export type Operate = (
  task: Task,
  context: { readonly source: () => Source | undefined; readonly renew: () => void },
  ended: (result: TaskResult) => void,
) => () => void;

const DONE: TaskResult = { kind: 'done' };
const failed = (code: string, message: string): TaskResult => ({ kind: 'failed', code, message });

const TAKES: Readonly<Record<Task['kind'], readonly [number, number]>> = {
  initialize: [500, 1_500],
  clone: [800, 3_000],
  start: [100, 800],
  stop: [80, 400],
  restart: [200, 900],
  fence: [5, 150],
  promote: [50, 500],
  barrier: [5, 30],
  checkpoint: [20, 300],
  follow: [5, 50],
  rewind: [200, 1_500],
  configure: [5, 60],
  'keep-slots': [5, 60],
};

export const createOperate = (deps: {
  readonly world: World;
  readonly host: Host;
  readonly promoted: (generation: number) => void;
  readonly created: (systemId: string) => void;
}): Operate => {
  const { world, host } = deps;
  const { database } = host;

  return (task, { source, renew }, ended) => {
    let aborted = false;
    let told = false;
    const finish = (result: TaskResult): void => {
      if (aborted || told) return;
      told = true;
      ended(result);
    };
    /** Goes on after the task's time if the server's processes live still; `stays`: also when the task was aborted. */
    const later = (what: () => TaskResult, stays: boolean, takes = TAKES[task.kind]): void => {
      const life = host.serverLife();
      world.at(world.between(...takes), () => {
        if (aborted && !stays) return;
        if (life !== host.serverLife() || !host.up) return finish(failed('killed', 'the server was killed meanwhile'));
        finish(what());
      });
    };
    const start = (from: Source | undefined): void => {
      if (database.server().kind !== 'stopped') return later(() => failed('refused', 'not stopped'), false, [1, 5]);
      database.begin(from);
      later(
        () => {
          database.ready();
          host.onDatabase();
          return DONE;
        },
        true,
        TAKES.start,
      );
    };
    const replace = (from: Source, how: () => void): void => {
      const donor = host.reach(from);
      renew();
      if (donor === undefined) return later(() => failed('unreachable', `${from.member} cannot be reached`), false);
      world.at(world.between(...TAKES[task.kind]), () => {
        if (aborted) return;
        if (host.reach(from) === undefined || database.server().kind !== 'incomplete')
          return finish(failed('interrupted', `the copy from ${from.member} was interrupted`));
        how();
        start(source());
      });
    };

    switch (task.kind) {
      case 'initialize':
        database.spoil('initialize');
        later(() => {
          const systemId = `system-${host.name}-${Math.round(world.now())}`;
          database.create(systemId);
          deps.created(systemId);
          return { kind: 'done', systemId };
        }, false);
        break;
      case 'clone':
        host.killServer(0);
        database.spoil('clone');
        replace(task.from, () => database.copy(host.reach(task.from)!.database));
        break;
      case 'rewind': {
        const from = host.reach(task.from)?.database;
        if (from?.acknowledges() !== true || !from.rewindable() || database.server().kind !== 'stopped') {
          later(() => failed('refused', `${task.from.member} cannot be rewound to`), false);
          break;
        }
        database.spoil('rewind');
        replace(task.from, () => database.rewindTo(host.reach(task.from)!.database));
        break;
      }
      case 'start':
        start(task.source);
        break;
      case 'restart':
        database.end(true);
        start(task.source);
        break;
      case 'stop':
        if (database.server().kind !== 'running') {
          later(() => failed('refused', 'it does not run'), false);
          break;
        }
        database.close();
        later(() => {
          const finalPosition = database.position();
          database.end(true);
          host.onDatabase();
          return { kind: 'done', finalPosition };
        }, true);
        break;
      case 'fence':
        world.at(world.between(...TAKES.fence), () => {
          if (aborted || !host.up) return;
          host.killServer(0);
          finish(DONE);
        });
        break;
      case 'promote':
        promote(task.generation);
        break;
      case 'barrier':
        later(() => (database.acknowledges() ? DONE : failed('refused', 'it takes no writes')), false);
        break;
      case 'checkpoint':
        later(() => {
          if (database.acknowledges()) database.checkpoint();
          return DONE;
        }, false);
        break;
      case 'follow':
        later(() => {
          const server = database.server();
          if (server.kind !== 'running' || server.role !== 'replica') return failed('refused', 'it is no replica');
          database.follow(task.source);
          return DONE;
        }, false);
        break;
      case 'configure':
      case 'keep-slots':
        later(() => DONE, false);
        break;
      default:
        return task satisfies never;
    }
    return () => {
      aborted = true;
    };

    function promote(generation: number): void {
      const server = database.server();
      if (server.kind !== 'running' || server.role !== 'replica')
        return later(() => failed('refused', 'it is no running replica'), false);
      database.follow(undefined);
      const failing = host.failingPromotions > 0;
      if (failing) host.failingPromotions -= 1;
      if (failing && world.chance(0.5)) return later(() => failed('refused', 'the promotion was refused'), false);
      const become = (): TaskResult => {
        if (database.server().kind !== 'running') return failed('refused', 'it is no running replica');
        database.promote(generation);
        deps.promoted(generation);
        host.onDatabase();
        return DONE;
      };
      // A promotion that has timed out may still come, and so may one that was aborted.
      if (failing) {
        later(() => failed('timed-out', 'still in recovery'), false, [300, 600]);
        later(become, true, [700, 1_500]);
      } else later(become, true);
    }
  };
};
