import type { Acknowledgement, Source } from '../../../src/core/database.ts';
import type { Task, TaskResult } from '../../../src/core/memory.ts';
import type { Host } from '../host/host.ts';
import type { World } from '../world.ts';

/** Begins a task on a host's database. Returns what an abort does; `ended` is called at most once, and not after an abort. */
export type Operate = (
  task: Task,
  context: { readonly source: () => Source | undefined; readonly renew: () => void },
  ended: (result: TaskResult) => void,
) => () => void;

/** How long a barrier waits. */
const BARRIER = 5_000;

/** When a promotion that does not come is given up. */
const GIVEN_UP: readonly [number, number] = [300, 600];

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
  acknowledge: [5, 80],
  'stop-receiving': [5, 120],
  checkpoint: [20, 300],
  follow: [5, 50],
  rewind: [200, 1_500],
  configure: [5, 60],
  'keep-slots': [5, 60],
};

/** Only a server that runs gives a copy of its data. */
const copyable = (donor: Host | undefined): boolean => donor?.database.server().kind === 'running';

export const createOperate = (deps: {
  readonly world: World;
  readonly host: Host;
  readonly promoted: (generation: number) => void;
  /** Commits up to here are acknowledged, by no more than a change of the settings. */
  readonly acknowledged: (until: number) => void;
  /** Data is about to be thrown away. */
  readonly destroys: () => void;
  /** A database is about to be created. */
  readonly initializes: () => void;
  /** A fence begins. */
  readonly fences: () => void;
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
    const after = (takes: readonly [number, number], what: () => void): void =>
      void world.at(world.between(...takes), () => host.awake(what));
    /** Goes on after the task's time if the server's processes live still; `stays`: also when the task was aborted. */
    const later = (what: () => TaskResult | undefined, stays: boolean, takes = TAKES[task.kind]): void => {
      const life = host.serverLife();
      after(takes, () => {
        if (aborted && !stays) return;
        if (life !== host.serverLife() || !host.up) return finish(failed('killed', 'the server was killed meanwhile'));
        const result = what();
        if (result !== undefined) finish(result);
      });
    };
    const start = (from: Source | undefined): void => {
      const server = database.server();
      // Steps are idempotent: a server that runs was started.
      if (server.kind === 'running') return later(() => DONE, false, [1, 5]);
      if (server.kind !== 'stopped') return later(() => failed('refused', 'it cannot be started'), false, [1, 5]);
      // What a dead server left is ended first.
      if (server.leftovers > 0) host.killServer(0);
      database.begin(from);
      recover();
    };
    /** Crash recovery writes: it waits for a disk that hangs, and ends where nothing can be written. */
    const recover = (): void =>
      later(
        () => {
          if (host.disk === 'full') {
            host.killServer(0);
            return failed('no-space', 'the database cannot write');
          }
          if (host.disk === 'stuck') {
            recover();
            return undefined;
          }
          database.ready();
          host.onDatabase();
          return DONE;
        },
        true,
        TAKES.start,
      );
    /** New data takes the place of the old: beside it first where there is room, else the old goes before. */
    const replace = (from: Source, step: 'clone' | 'rewind', how: (donor: Host) => void): void => {
      const beside = step === 'clone' && host.roomForTwo;
      renew();
      if (!copyable(host.reach(from)) || host.disk !== 'good')
        return later(() => failed('unreachable', `${from.member} cannot be reached`), false);
      if (!beside) destroy(step);
      const life = host.serverLife();
      after(TAKES[task.kind], () => {
        const donor = host.reach(from);
        const gone = donor === undefined || !copyable(donor) || host.disk !== 'good';
        if (aborted || gone || life !== host.serverLife() || !host.up) {
          world.sometimes(`a ${step} was interrupted`);
          return finish(failed('interrupted', `the ${step} from ${from.member} was interrupted`));
        }
        if (beside) destroy(step);
        how(donor);
        start(source());
      });
    };
    const destroy = (step: 'clone' | 'rewind'): void => {
      deps.destroys();
      database.spoil(step);
    };

    switch (task.kind) {
      case 'initialize':
        deps.initializes();
        deps.destroys();
        database.spoil('initialize');
        later(() => {
          const systemId = `system-${host.name}-${Math.round(world.now())}`;
          database.create(systemId);
          return { kind: 'done', systemId };
        }, false);
        break;
      case 'clone':
        if (!host.killServer(0)) {
          later(() => failed('timed-out', 'processes remain'), false, [2_000, 2_000]);
          break;
        }
        replace(task.from, 'clone', (donor) => database.copy(donor.database));
        break;
      case 'rewind': {
        const before = database.server();
        // A server that runs is ended cleanly first; data that an interrupted step left is for a clone.
        if (before.kind === 'running') database.end(true);
        const from = host.reach(task.from)?.database;
        const ready = from?.acknowledges() === true && from.rewindable() && database.server().kind === 'stopped';
        if (!ready || (before.kind === 'stopped' && before.leftovers > 0))
          later(() => failed('cannot-rewind', `${task.from.member} cannot be rewound to`), false);
        else replace(task.from, 'rewind', (donor) => database.rewindTo(donor.database));
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
        later(
          () => {
            const finalPosition = database.position();
            database.end(true);
            host.onDatabase();
            return { kind: 'done', finalPosition };
          },
          true,
          [TAKES.stop[0], TAKES.stop[1] + host.slowStop],
        );
        break;
      case 'fence':
        if (database.acknowledges()) world.sometimes('an agent fenced its own database');
        deps.fences();
        after(TAKES.fence, () => {
          if (aborted || !host.up) return;
          if (host.killServer(0)) return finish(DONE);
          world.sometimes('no fence succeeded while a disk hung');
          later(() => failed('timed-out', 'processes remain: the disk hangs'), false, [1_500, 1_500]);
        });
        break;
      case 'promote':
        promote(task.generation);
        break;
      case 'barrier':
        later(() => {
          if (database.server().kind !== 'running' || !database.acknowledges())
            return failed('refused', 'it takes no writes');
          database.write(1);
          const { at } = database.position();
          if (database.commits.commit(at)) {
            deps.acknowledged(at);
            return DONE;
          }
          return untilAcknowledged(at, world.now() + BARRIER);
        }, false);
        break;
      case 'acknowledge':
        acknowledge(task.wanted);
        break;
      case 'stop-receiving':
        later(() => {
          const server = database.server();
          if (server.kind !== 'running' || server.role !== 'replica') return failed('refused', 'it is no replica');
          database.follow(undefined);
          return { kind: 'done', finalPosition: database.position() };
        }, false);
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

    function untilAcknowledged(at: number, until: number): TaskResult | undefined {
      if (!database.commits.isWaiting(at)) return DONE;
      if (world.now() >= until) return failed('timed-out', 'the commit was not acknowledged');
      later(() => untilAcknowledged(at, until), false, [5, 20]);
      return undefined;
    }

    /** The file first; then each process reads it at its own time, also when nobody waits for that any more. */
    function acknowledge(wanted: Acknowledgement): void {
      const { commits } = database;
      const server = database.server();
      if (server.kind !== 'running') return later(() => failed('refused', 'it does not run'), false);
      commits.write(wanted);
      if (server.role === 'replica') return later(() => DONE, false);
      let open = 1 + commits.senders().size;
      const one = (read: () => void): void =>
        later(() => {
          read();
          open -= 1;
          return open === 0 ? DONE : undefined;
        }, true);
      one(() => {
        const released = commits.readFlag();
        if (released !== undefined) deps.acknowledged(released);
      });
      for (const voter of commits.senders().keys()) one(() => commits.readSender(voter));
    }

    function promote(generation: number): void {
      const server = database.server();
      if (server.kind !== 'running' || server.role !== 'replica')
        return later(() => failed('refused', 'it is no running replica'), false);
      database.follow(undefined);
      const { count, late } = host.failingPromotions;
      const failing = count > 0;
      if (failing) host.failingPromotions = { count: count - 1, late };
      if (failing && world.chance(0.5)) return later(() => failed('refused', 'the promotion was refused'), false);
      const become = (): TaskResult => {
        const now = database.server();
        if (now.kind !== 'running') return failed('refused', 'it is no running replica');
        // A server is promoted once, however often it is asked.
        if (now.role === 'primary') return DONE;
        database.promote(generation);
        deps.promoted(generation);
        host.onDatabase();
        return DONE;
      };
      // A promotion that has timed out may still come, and so may one that was aborted.
      if (failing) {
        later(() => failed('timed-out', 'still in recovery'), false, GIVEN_UP);
        later(
          () => {
            const now = database.server();
            if (now.kind === 'running' && now.role === 'replica')
              world.sometimes('a promotion came true after it was given up');
            return become();
          },
          true,
          [GIVEN_UP[1], late],
        );
      } else later(become, true);
    }
  };
};
