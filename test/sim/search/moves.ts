import { newMemory } from '../../../src/core/agent.ts';
import { ms } from '../../../src/core/brand.ts';
import { known } from '../../../src/core/known.ts';
import { remaining } from '../../../src/core/instant.ts';
import type { Event, Task, TaskResult } from '../../../src/core/memory.ts';
import type { Intent } from '../../../src/core/model.ts';
import { step as stepGuard } from '../../../src/guard/state.ts';
import { forkOf, isPartOf, simPosition } from '../database/positions.ts';
import { ended, execute, feed, kill, without } from './agents.ts';
import {
  acknowledges,
  instanceOf,
  instantOf,
  leaseOf,
  observe,
  selfOf,
  sourceData,
  SYSTEM,
  TICK,
  withData,
  withMachine,
  type Flight,
  type Machine,
  type State,
} from './state.ts';
import { commit, viewOf } from './store.ts';

/** One thing that can happen next. */
export interface Move {
  readonly name: string;
  readonly fault: boolean;
  readonly to: () => State;
}

/** How far a search goes. */
export interface Scope {
  readonly members: number;
  readonly faults: number;
  readonly terms: number;
  /** Writes of a primary after each promotion. */
  readonly writes: number;
  /** An operator asks for another leader, once, at any moment. */
  readonly switchover: boolean;
}

/** Everything that can happen in a state. A move that changes nothing leads back to the same state. */
export const movesOf = (state: State, scope: Scope): readonly Move[] => [
  ...state.machines.flatMap((machine, index) => machineMoves(state, machine, index, scope)),
  ...state.limbo.map((request, at): Move => ({
    name: `a late request of ${state.machines[request.by]!.name} is executed`,
    fault: false,
    to: () => execute({ ...state, limbo: state.limbo.toSpliced(at, 1) }, request.by, request.transaction).next,
  })),
  ...(guardsAreInTime(state) && everybodyHadATurn(state)
    ? [{ name: 'time goes on', fault: false, to: () => ({ ...state, now: state.now + TICK }) }]
    : []),
  ...operatorMoves(state, scope),
  ...(state.faults < scope.faults ? faultMoves(state) : []),
];

const everybodyHadATurn = ({ machines, now }: State): boolean =>
  machines.every(
    ({ memory, stalled, flights }) =>
      stalled || memory === undefined || (memory.now.mono === now && flights.length === 0),
  );

/** The guard is a process that is never stopped: it acts by its deadline, and time does not pass it. */
const guardsAreInTime = (state: State): boolean =>
  state.machines.every(({ guard, data }) => {
    if (data.kind !== 'running') return true;
    if (guard.phase === 'fenced') return false;
    if (guard.armed === undefined) return data.role !== 'primary';
    return remaining(guard.armed.deadline, instantOf(state)) > TICK;
  });

const machineMoves = (state: State, machine: Machine, index: number, scope: Scope): readonly Move[] => {
  const { name, memory, data, task, guard } = machine;
  const moves: Move[] = [];
  const add = (what: string, to: () => State): void => void moves.push({ name: `${name}: ${what}`, fault: false, to });
  if (memory === undefined) add('its agent starts', () => startAgent(state, index));
  else if (machine.stalled) {
    add('goes on', () => withMachine(state, index, { stalled: false }));
    for (const flight of machine.flights)
      if (flight.outcome === undefined && mayBegin(state, scope, flight))
        add('its request is executed while it is stalled', () => executeUnheard(state, index, flight));
  } else {
    add('takes a turn', () => turn(state, index));
    for (const flight of machine.flights)
      if (flight.outcome !== undefined || mayBegin(state, scope, flight))
        add('its request is executed and answered', () => answer(state, index, flight));
    if (task !== undefined) add(`${task.kind} is done`, () => carryOut(state, index, task));
  }
  if (data.promoting !== undefined && task?.kind !== 'promote')
    add('a promotion that was given up comes true', () => promote(state, index));
  const from = sourceData(state, data.source);
  if (data.kind === 'running' && data.role === 'replica' && from !== undefined)
    if (isPartOf(data.position, from.position) && data.position !== from.position)
      add('receives', () => withData(state, index, { position: from.position }));
  const { position } = data;
  const begun = position.path.at(-1)?.[1] ?? 0;
  if (acknowledges(machine) && position.at < begun + scope.writes)
    add('writes', () => withData(state, index, { position: simPosition(position.path, position.at + 1) }));
  if (data.kind === 'running' && guardActs(state, machine))
    add(`its guard fences (term ${guard.armed?.term ?? '-'})`, () => guardFences(state, index));
  return moves;
};

const startAgent = (state: State, index: number): State => {
  const machine = state.machines[index]!;
  const lives = machine.lives + 1;
  const at = { now: instantOf(state), wall: state.now, time: String(state.now) };
  const memory = newMemory(selfOf(machine, lives), instanceOf(machine.name), at);
  const started = withMachine(state, index, { lives, memory, task: undefined, flights: [] });
  const { armed } = machine.guard;
  const told = feed(started, index, { kind: 'guard', alive: true, term: armed?.term, deadline: armed?.deadline });
  return feed(told, index, { kind: 'lease', lease: leaseOf(index) });
};

/** A look that shows what the last one showed changes nothing. */
const looksNew = (state: State, machine: Machine): boolean => {
  const last = machine.memory?.database;
  return last?.kind !== 'known' || JSON.stringify(last.value) !== JSON.stringify(observe(state, machine));
};

/**
 * What an agent does when it is let run: it looks at its database, at etcd and at the clock. One that is stopped, cut off or
 * slow takes no turn.
 */
const turn = (before: State, index: number): State => {
  let state = before;
  const machine = state.machines[index]!;
  if (looksNew(state, machine))
    state = feed(state, index, {
      kind: 'database',
      database: known(observe(state, machine)),
      at: instantOf(state),
      rewindObstacles: [],
    });
  if (state.machines[index]!.memory?.view?.revision !== state.store.revision)
    state = feed(state, index, { kind: 'view', view: viewOf(state.store) });
  return state === before || state.machines[index]!.memory?.now.mono !== state.now
    ? feed(state, index, { kind: 'tick' })
    : state;
};

const mayBegin = (state: State, scope: Scope, { transaction }: Flight): boolean =>
  state.terms < scope.terms || !transaction.writes.some(({ key }) => key.kind === 'leader');

const answer = (state: State, index: number, { id, transaction, outcome }: Flight): State => {
  const sent = without(state, index, id);
  const done = outcome === undefined ? execute(sent, index, transaction) : { next: sent, outcome };
  return feed(done.next, index, { kind: 'transacted', flight: id, outcome: done.outcome });
};

const executeUnheard = (state: State, index: number, { id, transaction }: Flight): State => {
  const { next, outcome } = execute(state, index, transaction);
  const flights = next.machines[index]!.flights.map((flight) => (flight.id === id ? { ...flight, outcome } : flight));
  return withMachine(next, index, { flights });
};

const promote = (state: State, index: number): State => {
  const { position, promoting } = state.machines[index]!.data;
  const path = [...position.path, [promoting ?? 0, position.at] as const];
  return withData(state, index, {
    role: 'primary',
    source: undefined,
    promoting: undefined,
    position: simPosition(path, position.at),
  });
};

const guardActs = (state: State, { guard, data }: Machine): boolean =>
  stepGuard(guard, { kind: 'tick', now: instantOf(state), database: data.role }).actions.some(
    ({ kind }) => kind === 'fence',
  );

const guardFences = (state: State, index: number): State => {
  const { guard, data } = state.machines[index]!;
  const fencing = stepGuard(guard, { kind: 'tick', now: instantOf(state), database: data.role }).model;
  const { model } = stepGuard(fencing, { kind: 'fence-ended', fenced: true });
  return withMachine(kill(state, index), index, { guard: model });
};

/** A task comes to its end, with what it does to the database. */
const carryOut = (state: State, index: number, task: Task): State => {
  const [next, result] = effectOf(state, index, task);
  const queue: Event[] = [];
  let told = ended(next, index, task, result, queue);
  for (const event of queue) told = feed(told, index, event);
  return told;
};

const DONE: TaskResult = { kind: 'done' };
const FAILED: TaskResult = { kind: 'failed', code: 'failed', message: 'failed' };

const effectOf = (state: State, index: number, task: Task): readonly [State, TaskResult] => {
  const { data } = state.machines[index]!;
  const up = (at: State, source: Machine['data']['source']): State =>
    withData(at, index, { kind: 'running', role: 'replica', source, promoting: undefined });
  switch (task.kind) {
    case 'fence':
      return [kill(state, index), DONE];
    case 'start':
    case 'restart':
      return data.kind === 'empty' ? [state, FAILED] : [up(state, task.source), DONE];
    case 'stop':
      if (data.kind !== 'running') return [state, FAILED];
      return [
        withData(state, index, { kind: 'stopped', role: 'replica', promoting: undefined, cleanly: true }),
        { kind: 'done', finalPosition: data.position },
      ];
    case 'promote':
      return data.promoting === undefined
        ? [state, data.role === 'primary' ? DONE : FAILED]
        : [promote(state, index), DONE];
    case 'rewind':
    case 'clone': {
      const from = sourceData(state, task.from);
      if (from === undefined || (task.kind === 'rewind' && from.role !== 'primary')) return [state, FAILED];
      const position = task.kind === 'rewind' ? forkOf(data.position, from.position) : from.position;
      return [withData(up(state, task.from), index, { position, cleanly: true }), DONE];
    }
    case 'initialize':
      return [
        withData(state, index, { kind: 'stopped', position: simPosition([[1, 0]], 0), cleanly: true }),
        { kind: 'done', systemId: SYSTEM },
      ];
    case 'barrier':
    case 'checkpoint':
    case 'configure':
    case 'follow':
    case 'keep-slots':
      return [state, DONE];
    // Nothing is promised in the clusters that are searched.
    case 'acknowledge':
    case 'stop-receiving':
    default:
      throw new Error(`a task that this search does not know: ${JSON.stringify(task)}`);
  }
};

const operatorMoves = (state: State, scope: Scope): readonly Move[] => {
  if (!scope.switchover || state.asked) return [];
  const value: Intent = {
    kind: 'switchover',
    id: 'wish',
    by: 'operator',
    at: undefined,
    outcome: undefined,
    from: undefined,
    to: undefined,
  };
  const asked = commit(state.store, {
    compare: [],
    writes: [{ kind: 'put', key: { kind: 'intent', id: 'wish' }, value }],
  });
  if (asked.kind === 'refused') return [];
  return [
    {
      name: 'an operator asks for another leader',
      fault: false,
      to: () => ({ ...state, asked: true, store: asked.store }),
    },
  ];
};

const faultMoves = (state: State): readonly Move[] => {
  const moves: Move[] = [];
  const hurt: State = { ...state, faults: state.faults + 1 };
  const add = (name: string, to: () => State): void => void moves.push({ name, fault: true, to });
  state.machines.forEach(({ name, memory, data, flights, stalled }, index) => {
    if (memory !== undefined && !stalled)
      add(`FAULT ${name} is stalled`, () => withMachine(hurt, index, { stalled: true }));
    if (memory !== undefined)
      add(`FAULT the agent of ${name} dies`, () => {
        const orphans = flights.flatMap(({ transaction, outcome }) =>
          outcome === undefined ? [{ by: index, transaction }] : [],
        );
        const dead = withMachine(hurt, index, { memory: undefined, task: undefined, flights: [], stalled: false });
        return { ...dead, limbo: [...hurt.limbo, ...orphans] };
      });
    if (data.kind === 'running') add(`FAULT the database of ${name} dies`, () => kill(hurt, index));
    for (const { id, transaction, outcome } of flights)
      if (outcome === undefined && !stalled)
        add(`FAULT ${name} gives up a request`, () => {
          const waiting = { ...without(hurt, index, id), limbo: [...hurt.limbo, { by: index, transaction }] };
          return feed(waiting, index, {
            kind: 'transacted',
            flight: id,
            outcome: { kind: 'unknown', why: 'no answer' },
          });
        });
  });
  if (viewOf(state.store).leader !== undefined)
    add('FAULT the leader key vanishes', () => {
      const gone = commit(hurt.store, { compare: [], writes: [{ kind: 'delete', key: { kind: 'leader' } }] });
      return gone.kind === 'applied' ? { ...hurt, store: gone.store } : hurt;
    });
  return moves;
};

/** A cluster at rest, reached from nothing by the real rules: the first state of a search. */
export const settledCluster = (fresh: State, scope: Scope, isSettled: (state: State) => boolean): State => {
  let state = fresh;
  for (let round = 0; round < 400; round++) {
    for (let index = 0; index < state.machines.length; index++) {
      const wanted = ['its request', 'is done', 'its agent starts', 'receives', 'takes a turn'];
      for (const what of wanted) {
        const move = movesOf(state, { ...scope, faults: 0, terms: Infinity, writes: 0, switchover: false }).find(
          ({ name }) => name.startsWith(`${state.machines[index]!.name}: `) && name.includes(what),
        );
        if (move !== undefined) state = move.to();
      }
    }
    if (isSettled(state)) return { ...state, terms: 0 };
    if (round % 3 === 2) state = { ...state, now: state.now + ms(TICK) };
  }
  throw new Error('the cluster does not settle');
};
