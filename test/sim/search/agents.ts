import { step } from '../../../src/core/agent.ts';
import { NEVER } from '../../../src/core/brand.ts';
import { known, unknown, type Known } from '../../../src/core/known.ts';
import type {
  Effect,
  Event,
  Memory,
  PeerAnswer,
  Purpose,
  Settled,
  Task,
  TaskResult,
} from '../../../src/core/memory.ts';
import type { MemberName } from '../../../src/core/brand.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import { step as stepGuard, type Order } from '../../../src/guard/state.ts';
import { simPositions } from '../database/positions.ts';
import { answerOf } from '../host/asker.ts';
import { checkCommit } from './judge.ts';
import { instantOf, observe, TOKEN, withData, withMachine, type State } from './state.ts';
import { commit, modOf, viewOf } from './store.ts';

/** Transactions that decide nothing about who leads are executed at once: their interleavings would hide the others. */
const AT_ONCE: readonly Purpose['kind'][] = ['member', 'initialize', 'housekeeping', 'intent', 'failsafe'];
/** Tasks without a part in who leads. */
const DONE_AT_ONCE: readonly Task['kind'][] = ['configure', 'keep-slots', 'checkpoint', 'follow', 'barrier'];
/** One event leads to so many more at most, within one machine and one moment. */
const MOST_IN_A_ROW = 60;

/** Gives one agent an event, and whatever follows from it at once within its own machine. */
export const feed = (before: State, index: number, first: Event): State => {
  let state = before;
  const queue: Event[] = [first];
  for (let count = 0; queue.length > 0; count++) {
    const event = queue.shift()!;
    if (count > MOST_IN_A_ROW) throw new Error(`${state.machines[index]!.name} never comes to rest at one moment`);
    const { memory } = state.machines[index]!;
    if (memory === undefined) return state;
    const at = { now: instantOf(state), wall: state.now, time: String(state.now) };
    const next = step(memory, event, at, simPositions);
    state = withMachine(state, index, { memory: settledMemory(next.memory) });
    for (const effect of next.effects) state = perform(state, index, effect, queue);
    state = abortLateTask(state, index, queue);
    // What changed only the memory is decided from at once.
    if (next.wakeIn <= 1 && queue.length === 0) queue.push({ kind: 'tick' });
  }
  return state;
};

/** What only paces upkeep is put away, so that its ages make no new states. */
const settledMemory = (m: Memory): Memory => ({ ...m, slotsKeptAt: m.now });

const perform = (state: State, index: number, effect: Effect, queue: Event[]): State => {
  const machine = state.machines[index]!;
  switch (effect.kind) {
    case 'transact': {
      const purpose = machine.memory?.flights.find(({ id }) => id === effect.flight)?.purpose.kind;
      const flights = [...machine.flights, { id: effect.flight, transaction: effect.transaction, outcome: undefined }];
      const sent = withMachine(state, index, { flights });
      if (purpose === undefined || !AT_ONCE.includes(purpose)) return sent;
      const upToDate = machine.memory?.view?.revision === state.store.revision;
      const { next, outcome } = execute(sent, index, effect.transaction);
      queue.push({ kind: 'transacted', flight: effect.flight, outcome });
      // Whoever had seen everything sees its own write too.
      if (upToDate) queue.push({ kind: 'view', view: viewOf(next.store) });
      return without(next, index, effect.flight);
    }
    case 'arm':
      return order(state, index, queue, {
        kind: 'arm',
        token: TOKEN,
        term: effect.term,
        deadline: effect.deadline,
        fenceBudget: machine.memory!.settings.timing.fenceBudget,
      });
    case 'disarm':
    case 'stand-down':
      return order(state, index, queue, { kind: effect.kind, token: TOKEN, term: effect.term });
    case 'ask-peers':
      queue.push({ kind: 'peers', round: { at: instantOf(state), answers: answers(state, index) } });
      return state;
    case 'run':
      return begin(state, index, effect.task, queue);
    case 'ask-promises':
    case 'answer-promise':
      throw new Error('failsafe is switched off in this search');
    case 'read-view':
    case 'decided':
    case 'tell':
      return state;
    default:
      return effect satisfies never;
  }
};

/** Executes a request at etcd, whoever still waits for it. */
export const execute = (
  state: State,
  by: number,
  transaction: StateTransaction,
): { readonly next: State; readonly outcome: Settled } => {
  const done = commit(state.store, transaction);
  if (done.kind === 'refused') {
    const { leader, heartbeat } = viewOf(state.store);
    const { name, memory } = state.machines[by]!;
    const mine = heartbeat?.value.member === name && heartbeat.value.instance === memory?.instance;
    return {
      next: state,
      outcome: {
        kind: 'refused',
        revision: state.store.revision,
        leader: leader?.modRevision ?? NEVER,
        heartbeat: heartbeat?.modRevision ?? NEVER,
        mine,
      },
    };
  }
  const begins = transaction.writes.some(({ key, kind }) => key.kind === 'leader' && kind === 'put');
  const next: State = { ...state, store: done.store, terms: state.terms + (begins ? 1 : 0) };
  checkCommit(next, by, transaction);
  return { next, outcome: { kind: 'applied', revision: modOf(done.store, transaction.writes[0]!.key) } };
};

/** All processes of a server end at once. */
export const kill = (state: State, index: number): State =>
  state.machines[index]!.data.kind === 'empty'
    ? state
    : withData(state, index, { kind: 'stopped', role: 'replica', promoting: undefined, cleanly: false });

export const without = (state: State, index: number, flight: number): State =>
  withMachine(state, index, { flights: state.machines[index]!.flights.filter(({ id }) => id !== flight) });

const order = (state: State, index: number, queue: Event[], what: Order): State => {
  const { guard } = state.machines[index]!;
  const obeyed = stepGuard(guard, { kind: 'order', now: instantOf(state), order: what });
  // It reads the clock before every order: the deadline may have come.
  const fences = obeyed.actions.some(({ kind }) => kind === 'fence');
  const model = fences ? stepGuard(obeyed.model, { kind: 'fence-ended', fenced: true }).model : obeyed.model;
  queue.push({ kind: 'guard', alive: true, term: model.armed?.term, deadline: model.armed?.deadline });
  return withMachine(fences ? kill(state, index) : state, index, { guard: model });
};

const answers = (state: State, asking: number): ReadonlyMap<MemberName, Known<PeerAnswer>> =>
  new Map(
    state.machines
      .filter((_, index) => index !== asking)
      .map(({ name, memory }): readonly [MemberName, Known<PeerAnswer>] => [
        name,
        memory === undefined ? unknown('no answer') : known(answerOf({ ...memory, now: instantOf(state) })),
      ]),
  );

const begin = (state: State, index: number, task: Task, queue: Event[]): State => {
  const begun = withMachine(state, index, { task });
  if (DONE_AT_ONCE.includes(task.kind)) {
    const { data } = state.machines[index]!;
    const next =
      task.kind === 'follow' && data.kind === 'running' ? withData(begun, index, { source: task.source }) : begun;
    return ended(next, index, task, { kind: 'done' }, queue);
  }
  if (task.kind !== 'promote') return begun;
  const { data } = state.machines[index]!;
  if (data.kind !== 'running' || data.role !== 'replica')
    return ended(begun, index, task, { kind: 'failed', code: 'refused', message: 'no running replica' }, queue);
  return withData(begun, index, { promoting: task.generation, source: undefined });
};

/** A task has ended: the agent hears of it with a fresh look at its database. */
export const ended = (state: State, index: number, task: Task, result: TaskResult, queue: Event[]): State => {
  const next = withMachine(state, index, { task: undefined });
  queue.push({
    kind: 'task-ended',
    task,
    result,
    database: known(observe(next, next.machines[index]!)),
    at: instantOf(next),
  });
  return next;
};

/** What src/agent/executor.ts does when leadership ends: the promotion is given up, and may come true all the same. */
const abortLateTask = (state: State, index: number, queue: Event[]): State => {
  const { task, memory } = state.machines[index]!;
  if (task?.kind !== 'promote' || memory?.reign?.term === task.term) return state;
  return ended(state, index, task, { kind: 'aborted' }, queue);
};
