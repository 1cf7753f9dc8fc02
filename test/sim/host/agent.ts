import { newMemory, step, type Moment } from '../../../src/core/agent.ts';
import { NEVER, type InstanceId, type LeaseId } from '../../../src/core/brand.ts';
import type { Effect, Event, Memory, Self, Settled } from '../../../src/core/memory.ts';
import type { TransactOutcome } from '../../../src/ports/consensus.ts';
import type { PromiseRequest } from '../../../src/core/promise.ts';
import type { StateTransaction } from '../../../src/core/transaction.ts';
import type { Etcd } from '../etcd/etcd.ts';
import { createAsker, type Neighbours } from './asker.ts';
import { createExecutor } from './executor.ts';
import type { Host } from './host.ts';
import { createPromises, type Questions, type SimAnswer } from './promises.ts';
import type { Operate } from '../database/operations.ts';
import { simPositions } from '../database/positions.ts';
import { wakeable } from './wakeable.ts';
import type { World } from '../world.ts';

/** One life of an agent's process: the real reducer, and around it what src/agent does, without promises. */
export interface SimAgent {
  memory(): Memory;
  post(event: Event): void;
  /** A leader asks for a promise; the answer may never come. */
  promise(request: PromiseRequest, reply: (answer: SimAnswer) => void): void;
  /** What happens to a stopped process: nothing, until it goes on and everything comes at once. */
  freeze(): void;
  thaw(): void;
  frozen(): boolean;
  kill(): void;
  /** Steps of the reducer so far. */
  steps(): number;
}

/** What the run wants to know of all agents. */
export interface AgentObserver {
  readonly stepped: (host: Host, before: Memory, event: Event, after: Memory, effects: readonly Effect[]) => void;
  /** A stopped process goes on: what was asked of it meanwhile is answered before it has looked at anything. */
  readonly goesOn: (host: Host) => void;
  readonly executed: (host: Host, transaction: StateTransaction, outcome: TransactOutcome) => void;
}

const START_OF_TIME = 1_700_000_000_000;
const REREAD = 2_500;
const SURELY_NOT: Settled = { kind: 'failed', why: 'no connection', code: 'unavailable' };
const NO_ANSWER: Settled = { kind: 'unknown', why: 'no answer' };

export const createAgent = (deps: {
  readonly world: World;
  readonly etcd: Etcd;
  readonly host: Host;
  readonly self: Self;
  readonly operate: Operate;
  readonly neighbours: Neighbours;
  readonly questions: Questions;
  readonly observer: AgentObserver;
}): SimAgent => {
  const { world, etcd, host, observer } = deps;
  let alive = true;
  let frozen = false;
  let deferred: (() => void)[] = [];
  let steps = 0;
  let guardBusyUntil = 0;
  let cancelWake = (): void => {};
  let wakeAt = 0;
  let timerAt = Infinity;
  const queue: Event[] = [];
  let busy = false;

  let text = '';
  let textOf = 0;
  const moment = (): Moment => {
    const wall = START_OF_TIME + world.now();
    if (Math.floor(wall) !== textOf) {
      textOf = Math.floor(wall);
      text = String(textOf);
    }
    return { now: host.now(), wall, time: text };
  };
  let memory = newMemory(deps.self, host.files.instance, moment(), host.files.promise);

  /** Runs in this process, if it lives: now, or when it goes on. */
  const inProcess = (what: () => void): void => {
    if (!alive) return;
    if (frozen) deferred.push(what);
    else what();
  };
  const later = (delay: number, what: () => void): (() => void) => world.at(delay, () => inProcess(what));

  const digest = (event: Event): void => {
    const before = memory;
    const next = step(before, event, moment(), simPositions);
    memory = next.memory;
    steps += 1;
    observer.stepped(host, before, event, memory, next.effects);
    for (const effect of next.effects) execute(effect);
    executor.leadershipChanged(memory);
    wakeBy(world.now() + next.wakeIn);
  };
  /** One timer for the next look: moved on only when it fires, because nearly every step wants a later one. */
  const wakeBy = (time: number): void => {
    wakeAt = time;
    if (timerAt <= time) return;
    cancelWake();
    timerAt = time;
    cancelWake = later(time - world.now(), () => {
      timerAt = Infinity;
      if (world.now() >= wakeAt) post({ kind: 'tick' });
      else wakeBy(wakeAt);
    });
  };
  const post = (event: Event): void => {
    if (!alive) return;
    queue.push(event);
    if (busy) return;
    busy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) digest(next);
    busy = false;
  };

  const callTimeout = (): number => memory.settings.timing.callTimeout;
  const settled = (outcome: TransactOutcome): Settled => {
    if (outcome.kind === 'applied') return outcome;
    if (outcome.kind === 'unknown') return { kind: 'unknown', why: outcome.error.message };
    if (outcome.kind === 'failed') return { kind: 'failed', why: outcome.error.message, code: outcome.error.code };
    const { leader, heartbeat } = etcd.view();
    return {
      kind: 'refused',
      revision: outcome.revision,
      leader: leader?.modRevision ?? NEVER,
      heartbeat: heartbeat?.modRevision ?? NEVER,
      mine: heartbeat?.value.member === host.name && heartbeat.value.instance === memory.instance,
    };
  };
  const transact = (effect: Extract<Effect, { kind: 'transact' }>): void =>
    host.link.request({
      work: () => {
        const outcome = etcd.transact(effect.transaction);
        observer.executed(host, effect.transaction, outcome);
        return settled(outcome);
      },
      timeout: callTimeout(),
      answered: (outcome) => inProcess(() => post({ kind: 'transacted', flight: effect.flight, outcome })),
      gaveUp: (surelyNot) =>
        inProcess(() =>
          post({ kind: 'transacted', flight: effect.flight, outcome: surelyNot ? SURELY_NOT : NO_ANSWER }),
        ),
    });

  const reader = wakeable(later, (done) =>
    host.link.request({
      work: () => etcd.view(),
      timeout: callTimeout(),
      answered: (view) =>
        inProcess(() => {
          post({ kind: 'view', view });
          done(REREAD);
        }),
      gaveUp: () =>
        inProcess(() => {
          post({ kind: 'view-failed', why: 'no answer' });
          done(200);
        }),
    }),
  );

  /** A lease keeps the time to live that it was granted with: it is renewed at its own pace. */
  const adoptLease = (lease: LeaseId | undefined, ttl = host.files.leaseTtl): number => {
    host.files.lease = lease;
    host.files.leaseTtl = ttl;
    post({ kind: 'lease', lease });
    return Math.min(ttl, memory.settings.timing.ttl) / 3;
  };
  const leaseKeeper = wakeable(later, (done) => {
    const { ttl } = memory.settings.timing;
    const mine = host.files.lease;
    const gaveUp = (): void => inProcess(() => done(250));
    const timeout = callTimeout();
    const grant = (): void =>
      host.link.request({
        work: () => etcd.grant(ttl),
        timeout,
        gaveUp,
        answered: (lease) =>
          inProcess(() => {
            done(lease === undefined ? 250 : adoptLease(lease, ttl));
          }),
      });
    if (mine === undefined) return grant();
    host.link.request({
      work: () => etcd.keepAlive(mine),
      timeout,
      gaveUp,
      answered: (kept) =>
        inProcess(() => {
          const pace = adoptLease(kept ? mine : undefined);
          if (kept) done(pace);
          else grant();
        }),
    });
  });

  const executor = createExecutor({
    world,
    host,
    operate: deps.operate,
    memory: () => memory,
    later,
    inProcess,
    post,
    renew: () => {
      const instance: InstanceId = host.renewInstance();
      post({ kind: 'instance', instance });
    },
  });
  const promises = createPromises({
    world,
    host,
    memory: () => memory,
    questions: deps.questions,
    later,
    inProcess,
    post,
  });
  const ask = createAsker({ host, memory: () => memory, neighbours: deps.neighbours, later, inProcess, post });

  const toGuard = (order: () => void): void => {
    const way = world.between(0.2, 3);
    const at = Math.max(world.now() + way, guardBusyUntil);
    guardBusyUntil = at;
    later(at - world.now(), () => {
      order();
      host.onGuard();
    });
  };
  const execute = (effect: Effect): void => {
    switch (effect.kind) {
      case 'transact':
        return transact(effect);
      case 'read-view':
        return reader.wake();
      case 'arm':
        return toGuard(() => host.guard.arm(effect.term, effect.deadline, memory.settings.timing.fenceBudget));
      case 'disarm':
        return toGuard(() => host.guard.disarm(effect.term));
      case 'stand-down':
        return toGuard(() => host.guard.standDown(effect.term));
      case 'ask-peers':
        return ask();
      case 'ask-promises':
        return promises.ask(effect);
      case 'answer-promise':
        return promises.execute(effect);
      case 'run':
        return executor.run(effect.task);
      case 'decided':
      case 'tell':
        return;
      default:
        return effect satisfies never;
    }
  };

  host.right = () => ({ deadline: memory.reign?.deadline });
  host.onDatabase = () => void later(world.between(0.2, 3), executor.observer.wake);
  host.onGuard = () => void later(world.between(0.2, 2), () => post({ kind: 'guard', ...host.guard.state() }));
  const stopWatch = etcd.onCommit(() => host.link.hint(() => inProcess(reader.wake)));
  later(0, () => {
    host.onGuard();
    reader.wake();
    leaseKeeper.wake();
    executor.observer.wake();
  });

  return {
    memory: () => memory,
    post: (event) => inProcess(() => post(event)),
    promise: promises.answer,
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      if (frozen && alive) deps.observer.goesOn(host);
      frozen = false;
      const waiting = deferred;
      deferred = [];
      for (const what of waiting) inProcess(what);
    },
    frozen: () => frozen,
    kill: () => {
      if (memory.flights.some(({ purpose }) => purpose.kind !== 'member'))
        world.sometimes('a terminated agent had a transaction under way');
      alive = false;
      stopWatch();
      deferred = [];
      cancelWake();
      executor.abandon();
      host.right = () => ({ deadline: undefined });
      host.onDatabase = () => {};
      host.onGuard = () => {};
    },
    steps: () => steps,
  };
};
