import { join } from 'node:path';
import { newMemory } from '../core/agent.ts';
import { ms, type InstanceId, type Ms } from '../core/brand.ts';
import { after, remaining } from '../core/instant.ts';
import type { Effect, Memory, Self } from '../core/memory.ts';
import type { PromiseRequest } from '../core/promise.ts';
import type { Tags } from '../core/settings.ts';
import type { AgentStatus } from '../core/status.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Database } from '../ports/database.ts';
import type { Guard } from '../ports/guard.ts';
import type { Log } from '../ports/log.ts';
import type { Peers } from '../ports/peers.ts';
import { createExecutor } from './executor.ts';
import { createGuardLink } from './guard-link.ts';
import type { Hooks } from './hooks.ts';
import type { InstanceFile } from './instance.ts';
import { createLeaseKeeper } from './lease.ts';
import { createLoop, momentOf, type Loop } from './loop.ts';
import { createObserver, occasion } from './observer.ts';
import { createPeerAsker } from './peer-asker.ts';
import type { PromiseFile } from './promise-file.ts';
import { createPromises, type PromiseAnswer } from './promises.ts';
import { createReader } from './reader.ts';
import { createRoleWatch } from './roles.ts';
import { statusOf } from './status.ts';
import type { StoreFile } from './store-file.ts';
import { createStoreMemory } from './store-memory.ts';
import type { Telemetry } from './telemetry.ts';
import { createTransactor } from './transactor.ts';

export interface AgentDeps {
  readonly cluster: string;
  /** Of the cluster's keys in etcd; ends with a slash. */
  readonly prefix: string;
  readonly self: Self;
  readonly stateDir: string;
  readonly instanceFile: InstanceFile;
  readonly promiseFile: PromiseFile;
  readonly storeFile: StoreFile;
  readonly store: ConsensusStore;
  readonly database: Database;
  readonly guard: Guard;
  readonly peers: Peers;
  readonly hooks: Hooks;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

export interface Agent {
  status(): AgentStatus;
  /** Uses other tags from now on. */
  retag(tags: Tags): void;
  /** A leader that lost etcd asks for a promise not to lead (rule D15). */
  promise(request: PromiseRequest): Promise<PromiseAnswer>;
  /** Looks at etcd and at the database again, now. */
  nudge(): void;
  /**
   * Ends the agent. `leave`: the database and the guard go on, for an agent that comes back within its right (restart,
   * upgrade). `full`: hands over or releases first, and stops the database; at most `within` milliseconds.
   */
  stop(how: 'leave' | 'full', within: number): Promise<void>;
}

/** Starts the agent's loop and everything that feeds it. */
export const startAgent = async (deps: AgentDeps): Promise<Agent> => {
  const { clock, log, database, telemetry } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const agentStartedAt = clock.wall();
  const instance = await deps.instanceFile.read();
  const promised = await deps.promiseFile.read();
  const facts = { cluster: deps.cluster, agentStartedAt };
  let epoch = 0;
  let lastOccasion: string | undefined;
  let cached: { readonly memory: Memory; readonly status: AgentStatus } | undefined;

  const parts = createParts();
  const loop: Loop = createLoop({
    first: newMemory(deps.self, instance, momentOf(clock), promised),
    positions: database.positions,
    clock,
    execute: (effect) => parts.execute(effect),
    changed: (memory, tookMs) => parts.changed(memory, tookMs),
  });
  const memory = (): Memory => loop.memory();
  const callTimeout = (): Memory['settings']['timing']['callTimeout'] => memory().settings.timing.callTimeout;

  const shared = { clock, log, store: deps.store, callTimeout, post: loop.post };
  const storeMemory = await createStoreMemory({ file: deps.storeFile, clock, log });
  const reader = createReader({ ...shared, prefix: deps.prefix, positions: database.positions, seen: storeMemory });
  const lease = createLeaseKeeper({
    ...shared,
    file: join(deps.stateDir, 'lease'),
    ttl: () => memory().settings.timing.ttl,
  });
  const transact = createTransactor({
    ...shared,
    prefix: deps.prefix,
    positions: database.positions,
    self: () => ({ name: deps.self.name, instance: memory().instance }),
    signal,
    measured: telemetry.storeCall,
    now: () => clock.now().mono,
  });
  const observer = createObserver({
    ...shared,
    database,
    memory,
    epoch: () => epoch,
    measured: telemetry.databaseCall,
  });
  const askPeers = createPeerAsker({ peers: deps.peers, clock, signal, memory, post: loop.post });
  const promises = createPromises({
    ...shared,
    peers: deps.peers,
    file: deps.promiseFile,
    signal,
    memory,
  });
  const guard = createGuardLink({
    guard: deps.guard,
    log,
    signal,
    fenceBudget: () => memory().settings.timing.fenceBudget,
    post: loop.post,
    fenced: (event) => parts.guardFenced(event),
  });
  const watchRole = createRoleWatch({ hooks: deps.hooks, changed: telemetry.roleChanged });
  const renewInstance = async (): Promise<InstanceId> => {
    const renewed = await deps.instanceFile.renew();
    loop.post({ kind: 'instance', instance: renewed });
    return renewed;
  };
  const executor = createExecutor({
    database,
    clock,
    log,
    hooks: deps.hooks,
    memory,
    renewInstance,
    ended: (task, result) => {
      void observer.look(signal).then((seen) => {
        epoch += 1;
        telemetry.taskEnded(task, result);
        loop.post({ kind: 'task-ended', task, result, ...seen });
        observer.wake();
      });
    },
  });

  const inBackground = (what: string, work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (!signal.aborted) log.error('agent.bug', `${what} failed unexpectedly`, { err: error });
    });
  };
  parts.guardFenced = (event) => {
    telemetry.guardFenced(event.killed, event.tookMs);
    log.error('guard.fenced', `the guard fenced the database: ${event.killed} processes killed`, {
      took_ms: event.tookMs,
      term: String(event.term ?? ''),
    });
    observer.wake();
  };
  parts.changed = (m, tookMs) => {
    executor.leadershipChanged(m);
    watchRole(m);
    const now = occasion(m);
    if (now !== lastOccasion) observer.wake();
    lastOccasion = now;
    telemetry.looped(m, tookMs);
  };
  parts.execute = (effect) => {
    switch (effect.kind) {
      case 'transact':
        return inBackground('a transaction', transact(effect));
      case 'read-view':
        return reader.wake();
      case 'arm':
        return guard.arm(effect.term, effect.deadline);
      case 'disarm':
        return guard.disarm(effect.term);
      case 'stand-down':
        return guard.standDown(effect.term);
      case 'ask-peers':
        return inBackground('asking the peers', askPeers());
      case 'ask-promises':
        return inBackground('asking for promises', promises.ask(effect));
      case 'answer-promise':
        return inBackground('answering for a promise', promises.execute(effect));
      case 'run':
        epoch += 1;
        return executor.run(effect.task);
      case 'decided':
      case 'tell':
        return telemetry.tell(effect, memory());
      default:
        return effect satisfies never;
    }
  };

  const status = (): AgentStatus => {
    const m = memory();
    if (cached?.memory !== m) cached = { memory: m, status: statusOf(m, database.positions, facts) };
    return cached.status;
  };

  let stopped: Promise<void> | undefined;
  const close = async (hooksWithin: Ms): Promise<void> => {
    await Promise.all([reader.stop(), lease.stop(), observer.stop()]);
    closing.abort(new Error('the agent is closing'));
    loop.stop();
    promises.close();
    await executor.close();
    await guard.close();
    await deps.hooks.close(hooksWithin);
  };

  reader.wake();
  lease.wake();
  observer.wake();
  return {
    status,
    promise: promises.answer,
    retag: (tags) => loop.post({ kind: 'tags', tags }),
    nudge: () => {
      reader.wake();
      observer.wake();
    },
    stop: (how, within) => {
      stopped ??= (async () => {
        loop.post({ kind: 'stop', how });
        const end = after(clock.now(), ms(within));
        if (how === 'full') await untilStopped(loop, clock, within);
        // An agent that comes back within its right must be quick; the last `on_stop` of a full stop is worth waiting for.
        await close(ms(how === 'full' ? Math.max(0, remaining(end, clock.now())) : 0));
      })();
      return stopped;
    },
  };
};

/** The parts refer to each other; they are filled in before the first event. */
const createParts = (): {
  execute: (effect: Effect) => void;
  changed: (memory: Memory, tookMs: number) => void;
  guardFenced: (event: { readonly term: bigint | undefined; readonly killed: number; readonly tookMs: number }) => void;
} => ({ execute: () => {}, changed: () => {}, guardFenced: () => {} });

/** Waits until the database is stopped and the key is given back, or the time is over. */
const untilStopped = async (loop: Loop, clock: Clock, within: number): Promise<void> => {
  const { now } = momentOf(clock);
  const until = { mono: now.mono + within, boot: now.boot + within };
  const { signal } = new AbortController();
  while (remaining(until, clock.now()) > 0) {
    const m = loop.memory();
    const running =
      m.database.kind === 'known' && (m.database.value.kind === 'running' || m.database.value.kind === 'starting');
    if (m.reign === undefined && !running && m.task === undefined) return;
    await clock.sleep(ms(50), { signal });
  }
};
