import type { Clock } from '../ports/clock.ts';
import type { FenceOutcome } from '../adapters/os/fence.ts';
import type { GuardMessage, GuardOrder } from '../adapters/os/guard-protocol.ts';
import { PROTOCOL_VERSION, parseOrder } from '../adapters/os/guard-protocol.ts';
import { ms, type Ms } from '../core/brand.ts';
import { remaining, type Instant } from '../core/instant.ts';
import type { GuardTarget } from '../ports/guard.ts';
import type { Cutter } from './cutter.ts';
import type { GuardLog } from './log.ts';
import type { Probe } from './probe.ts';
import type { StateFile } from './state-file.ts';
import { pollInterval, step, type Action, type GuardModel, type Input, type Order } from './state.ts';
import type { Watchdog } from './watchdog.ts';

/** The guard at work: feeds the pure model with clocks, orders and what runs, and does what it says. */
export interface GuardRunner {
  /** Looks at the clocks before anything else, then goes on by itself. */
  start(): void;
  /** The clocks may have jumped. */
  wake(): void;
  receive(line: string): GuardMessage;
  terminate(): void;
  model(): GuardModel;
}

export interface GuardDeps {
  readonly clock: Clock;
  readonly target: GuardTarget;
  readonly fenceBudget: Ms;
  readonly probe: Probe;
  /** Kills everything; must settle. */
  readonly fence: () => Promise<FenceOutcome>;
  /** Undefined where the database's port is not known. */
  readonly cutter: Cutter | undefined;
  readonly stateFile: StateFile;
  readonly watchdog: Watchdog;
  readonly log: GuardLog;
  readonly broadcast: (message: GuardMessage) => void;
  readonly exit: (model: GuardModel) => void;
  /** Called at every look at the clocks: for what has to be checked now and then. */
  readonly housekeeping: (now: Instant) => void;
}

export const createGuardRunner = (initial: GuardModel, deps: GuardDeps): GuardRunner => {
  const { clock, probe, stateFile, watchdog, log } = deps;
  let model = initial;
  let looking = false;
  let cancelTimer = (): void => undefined;

  const feed = (input: Input, now: Instant): readonly Action[] => {
    const before = model;
    const next = step(model, input);
    model = next.model;
    if (model.phase !== before.phase)
      log('guard.phase', { from: before.phase, to: model.phase, term: model.armed?.term, cause: causeOf(input) });
    for (const action of next.actions) perform(action, now);
    schedule(now);
    return next.actions;
  };

  const perform = (action: Action, now: Instant): void => {
    if (action.kind === 'fence') void fence();
    if (action.kind === 'save') stateFile.save(model, now);
    if (action.kind === 'watchdog') watchdog[action.how]();
    if (action.kind === 'exit') {
      cancelTimer();
      deps.exit(model);
    }
  };

  const fence = async (): Promise<void> => {
    const settled = deps.cutter?.fencing();
    const outcome = await deps.fence().catch((error: unknown): FenceOutcome => ({
      fenced: false,
      killed: 0,
      tookMs: 0,
      stuck: [],
      why: error instanceof Error ? error.message : String(error),
    }));
    settled?.(outcome.fenced);
    const term = model.armed?.term;
    log(outcome.fenced ? 'guard.fenced' : 'guard.unfenced', { term, ...outcome });
    if (outcome.fenced) deps.broadcast({ kind: 'fenced', term, killed: outcome.killed, tookMs: outcome.tookMs });
    else deps.broadcast({ kind: 'unfenced', stuck: outcome.stuck, why: outcome.why });
    feed({ kind: 'fence-ended', fenced: outcome.fenced }, clock.now());
  };

  const look = async (): Promise<void> => {
    looking = true;
    try {
      const database = await probe.look(model.phase === 'fenced' ? 'any' : 'primary');
      const now = clock.now();
      feed({ kind: 'tick', now, database }, now);
    } finally {
      looking = false;
    }
  };

  const beat = (): void => {
    const now = clock.now();
    feed({ kind: 'tick', now, database: 'unseen' }, now);
    const mustLook = model.phase === 'fenced' || (model.phase === 'watching' && model.armed === undefined);
    if (mustLook && !looking) void look();
    deps.cutter?.look();
    deps.housekeeping(now);
  };

  /** The exact moment of the fence, and in between often enough to notice that a clock jumped. */
  const schedule = (now: Instant): void => {
    cancelTimer();
    const { armed, phase } = model;
    const poll = pollInterval(model);
    const due =
      phase === 'watching' && armed !== undefined
        ? remaining(armed.deadline, now) - armed.fenceBudget
        : Number.POSITIVE_INFINITY;
    cancelTimer = clock.timer(ms(Math.min(poll, Math.max(due, 1))), beat);
  };

  const report = (id: number): GuardMessage => ({
    kind: 'ack',
    id,
    report: {
      version: PROTOCOL_VERSION,
      pid: process.pid,
      phase: model.phase,
      dataDir: deps.target.dataDir,
      replicaMark: deps.target.replicaMark,
      armed: model.armed,
      cut: deps.cutter?.state(),
    },
  });

  return {
    start: beat,
    wake: beat,
    model: () => model,
    terminate: () => {
      log('guard.terminate', { phase: model.phase, term: model.armed?.term });
      const now = clock.now();
      feed({ kind: 'terminate', now }, now);
    },
    receive: (line) => {
      const parsed = parseOrder(line);
      if (!('order' in parsed)) return { kind: 'refused', id: parsed.id, code: 'malformed', why: parsed.why };
      const { id, order } = parsed;
      const now = clock.now();
      const actions = feed({ kind: 'order', now, order: complete(order, deps.fenceBudget) }, now);
      const refusal = actions.find((action) => action.kind === 'refuse');
      return refusal === undefined ? report(id) : { kind: 'refused', id, code: refusal.code, why: refusal.why };
    },
  };
};

/** An order as the model takes it: with the guard's own budget where it brings none. */
export const complete = (order: GuardOrder, fenceBudget: Ms): Order =>
  order.kind === 'arm' ? { ...order, fenceBudget: order.fenceBudget ?? fenceBudget } : order;

const causeOf = (input: Input): string => (input.kind === 'order' ? input.order.kind : input.kind);
