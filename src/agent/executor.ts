import { ms, type InstanceId, type Ms } from '../core/brand.ts';
import type { Source } from '../core/database.ts';
import { StepError } from '../core/errors.ts';
import type { Memory, Task, TaskResult } from '../core/memory.ts';
import { remaining } from '../core/instant.ts';
import { describeDemand } from '../core/quorum/durability.ts';
import { takeSnapshot, wantedSource } from '../core/snapshot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Database, Step } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Hooks } from './hooks.ts';
import { databaseConfig, slotPlan } from './plans.ts';

export interface Executor {
  /** Begins a task; a fence first ends and reaps what is running. Calls `ended` exactly once for a task that was not preempted. */
  run(task: Task): void;
  /** Aborts a promotion or barrier whose term is over. */
  leadershipChanged(memory: Memory): void;
  close(): Promise<void>;
}

interface Deps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly hooks: Hooks;
  readonly memory: () => Memory;
  readonly renewInstance: () => Promise<InstanceId>;
  readonly ended: (task: Task, result: TaskResult) => void;
}

const SECOND = 1_000;

/** How long each kind of task may take. A clone has a day: its progress is judged by the operator, not by a clock. */
const timeoutOf = (task: Task, memory: Memory): Ms => {
  switch (task.kind) {
    case 'clone':
    case 'rewind':
      return ms(86_400 * SECOND);
    case 'initialize':
      return ms(300 * SECOND);
    case 'start':
    case 'restart':
      return memory.reign === undefined ? ms(600 * SECOND) : memory.settings.crashRestartTimeout;
    case 'stop':
      return ms(60 * SECOND);
    case 'fence':
      return memory.settings.timing.fenceBudget;
    case 'promote':
      return ms(60 * SECOND);
    case 'barrier':
    case 'stop-receiving':
      return ms(5 * SECOND);
    case 'acknowledge':
      return acknowledgeWithin(memory);
    case 'checkpoint':
      return ms(120 * SECOND);
    case 'follow':
    case 'configure':
    case 'keep-slots':
      return ms(15 * SECOND);
    default:
      return task satisfies never;
  }
};

/** A demand is never changed on a node whose right may end meanwhile. */
const acknowledgeWithin = ({ reign, settings, now }: Memory): Ms => {
  const left = reign?.deadline === undefined ? 0 : remaining(reign.deadline, now) - settings.timing.fenceBudget;
  return ms(Math.max(100, Math.min(5 * SECOND, left)));
};

/** Runs the long actions on the database, one at a time (01 "Shape"). */
export const createExecutor = (deps: Deps): Executor => {
  let current:
    { readonly task: Task; readonly controller: AbortController; readonly settled: Promise<void> } | undefined;
  let closed = false;

  const begin = (task: Task, after: Promise<void>): void => {
    const controller = new AbortController();
    const settled = after.then(async () => {
      const result = await attempt(task, controller.signal, deps);
      if (current?.controller !== controller || closed) return;
      current = undefined;
      deps.ended(task, result);
    });
    current = { task, controller, settled };
  };

  return {
    run: (task) => {
      if (closed) return;
      const before = current;
      before?.controller.abort(new Error(`${task.kind} takes the place of ${before.task.kind}`));
      begin(task, before?.settled ?? Promise.resolve());
    },
    leadershipChanged: (memory) => {
      const task = current?.task;
      const ofTerm = task?.kind === 'promote' || task?.kind === 'barrier' || task?.kind === 'acknowledge';
      if (ofTerm && memory.reign?.term !== task.term) current?.controller.abort(new Error(`term ${task.term} is over`));
    },
    close: async () => {
      closed = true;
      current?.controller.abort(new Error('the agent is closing'));
      await current?.settled;
    },
  };
};

/** Upkeep: not worth a line at info. */
const QUIET: readonly Task['kind'][] = ['keep-slots', 'configure'];

const attempt = async (task: Task, signal: AbortSignal, deps: Deps): Promise<TaskResult> => {
  const step: Step = { signal, timeout: timeoutOf(task, deps.memory()) };
  const before = deps.clock.now().mono;
  const tell = QUIET.includes(task.kind) ? deps.log.debug : deps.log.info;
  tell(`task.${task.kind}`, `begins: ${describe(task)}`);
  try {
    const result = await perform(task, step, deps);
    const tookMs = Math.round(deps.clock.now().mono - before);
    tell(`task.${task.kind}.done`, `done: ${describe(task)}`, { took_ms: tookMs });
    return result;
  } catch (error) {
    if (signal.aborted) return { kind: 'aborted' };
    if (error instanceof StepError) return { kind: 'failed', code: error.code, message: error.message };
    return { kind: 'failed', code: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
};

const DONE: TaskResult = { kind: 'done' };

const perform = async (task: Task, step: Step, deps: Deps): Promise<TaskResult> => {
  const { database, hooks } = deps;
  switch (task.kind) {
    case 'initialize': {
      const { systemId } = await database.initialize(step);
      return { kind: 'done', systemId };
    }
    case 'clone':
      await database.fence(step);
      await deps.renewInstance();
      await database.clone({ ...step, from: task.from, systemId: task.systemId });
      await startFollowing(step, deps);
      return DONE;
    case 'rewind':
      await deps.renewInstance();
      await database.rewind({ ...step, from: task.from });
      await startFollowing(step, deps);
      return DONE;
    case 'start':
      await startAgain(task.source, step, deps);
      hooks.tell('on_start', {});
      return DONE;
    case 'restart':
      await database.stop(step);
      hooks.tell('on_stop', {});
      await startAgain(task.source, step, deps);
      hooks.tell('on_start', {});
      return DONE;
    case 'stop': {
      const { finalPosition } = await database.stop(step);
      hooks.tell('on_stop', {});
      return finalPosition === undefined ? DONE : { kind: 'done', finalPosition };
    }
    case 'fence':
      await database.fence(step);
      hooks.tell('on_stop', { HAAGENT_REASON: task.reason });
      return DONE;
    case 'promote':
      return promote(task, step, deps);
    case 'barrier':
      await database.barrier({ ...step, term: task.term });
      return DONE;
    case 'acknowledge':
      await database.acknowledge({ ...step, from: task.from, wanted: task.wanted });
      return DONE;
    case 'stop-receiving': {
      const { position } = await database.stopReceiving(step);
      return { kind: 'done', finalPosition: position };
    }
    case 'checkpoint':
      await database.checkpoint(step);
      return DONE;
    case 'follow':
      await database.follow({ ...step, source: task.source });
      return DONE;
    case 'configure':
      await database.configure({ ...step, ...databaseConfig(deps.memory()) });
      return DONE;
    case 'keep-slots':
      await database.keepSlots({ ...step, ...slotPlan(deps.memory()) });
      return DONE;
    default:
      return task satisfies never;
  }
};

/** What was acknowledged and is forgotten at this start must not be vouched for by what comes up. */
const startAgain = async (source: Source | undefined, step: Step, deps: Deps): Promise<void> => {
  const { database } = deps;
  const forgets = (await database.forgets?.(step)) === true;
  const instance = forgets ? { instance: await deps.renewInstance() } : {};
  await database.configure({ ...step, ...databaseConfig(deps.memory()), ...instance });
  await database.start({ ...step, source });
};

/** A copy or a rewound database needs a source to become consistent: it is started following the leader at once. */
const startFollowing = async (step: Step, deps: Deps): Promise<void> => {
  const memory = deps.memory();
  await deps.database.configure({ ...step, ...databaseConfig(memory) });
  await deps.database.start({ ...step, source: wantedSource(takeSnapshot(memory, deps.database.positions)) });
  deps.hooks.tell('on_start', {});
};

/** The last check is the operator's; what would hold replay back is ended first, then the database becomes primary. */
const promote = async (task: Extract<Task, { kind: 'promote' }>, step: Step, deps: Deps): Promise<TaskResult> => {
  const answer = await deps.hooks.ask('pre_promote', { HAAGENT_TERM: String(task.term) }, step.signal);
  if (answer.kind === 'refused') return { kind: 'failed', code: 'refused', message: answer.why };
  step.signal.throwIfAborted();
  const ended = await deps.database.endBlockers(step);
  if (ended > 0) deps.log.warn('promote.blockers', `ended ${ended} sessions that kept replay waiting`);
  step.signal.throwIfAborted();
  await deps.database.promote({ ...step, generation: task.generation });
  return DONE;
};

const describe = (task: Task): string => {
  switch (task.kind) {
    case 'clone':
      return `copy the data of ${task.from.member} (${task.reason})`;
    case 'rewind':
      return `rewind to ${task.from.member}`;
    case 'start':
    case 'restart':
    case 'follow':
      return `${task.kind}, ${task.source === undefined ? 'following nobody' : `following ${task.source.member}`}`;
    case 'stop':
    case 'fence':
      return `${task.kind} (${task.reason})`;
    case 'promote':
      return `promote for term ${task.term} with generation ${task.generation}`;
    case 'barrier':
      return `barrier commit of term ${task.term}`;
    case 'acknowledge':
      return `demand ${describeDemand(task.wanted)} for each commit`;
    case 'stop-receiving':
      return `receive from nobody any more, to pledge in term ${task.term}`;
    case 'checkpoint':
    case 'configure':
    case 'initialize':
    case 'keep-slots':
      return task.kind;
    default:
      return task satisfies never;
  }
};
