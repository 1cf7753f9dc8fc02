import { ms, type Ms, type Term } from '../../core/brand.ts';
import { StepError } from '../../core/errors.ts';
import { after, elapsedAtMost, remaining } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Guard, GuardEvent, GuardState } from '../../ports/guard.ts';
import type { Log } from '../../ports/log.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { linkSignals, raceAbort, withDeadline } from './abort.ts';
import { PROTOCOL_VERSION, type GuardMessage, type GuardOrder, type GuardReport } from './guard-protocol.ts';
import { GuardRefusal, openGuardSession, type GuardSession } from './guard-session.ts';
import { guardProcess, startGuard, type GuardPlace } from './guard-starter.ts';

const RETRY = ms(50);
/** Between two starts of a guard that ends at once, and of one that does not open its socket. */
const START_INTERVAL = ms(1_000);
const LOAD_TIMEOUT = ms(5_000);
/** After this silence a connection is tried: soon where a right hangs on the guard or it keeps clients away, else now and then. */
const PING_AFTER = { armed: ms(1_000), idle: ms(3_000) };
/** After this silence a guard counts as hung and is replaced: at most, at least, and as a share of the right that it guards. */
const HUNG_AFTER = { most: ms(3_000), least: ms(1_500), share: 1 / 2 };

export interface GuardClient extends Guard {
  /** Hands off: the guard fences nothing until the next order. For an operator's pause or removal. */
  standDown(order: { readonly term: Term; readonly timeout: Ms; readonly signal: AbortSignal }): Promise<void>;
}

/**
 * The agent's side of the guard. Begins at once to look for a running guard or to start one, and goes on until closed: a
 * guard that dies is replaced within a second, one that hangs is killed and replaced; the successor finds the deadline in
 * the state file and gets the last order again. Event `connected` comes when `state()` tells what the guard knows.
 */
export const createGuard = (deps: {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
  readonly place: GuardPlace;
}): GuardClient => {
  const { processes, clock, log, place } = deps;
  const { socket, target, token } = place;
  const closing = new AbortController();
  const listeners = new Set<(event: GuardEvent) => void>();
  const waiting = new Set<(session: GuardSession) => void>();
  let session: GuardSession | undefined;
  let hungAfter: Ms = HUNG_AFTER.most;
  let last: Exclude<GuardOrder, { kind: 'state' }> | undefined;
  let started: ProcessId | undefined;
  let mayStart = clock.now();
  let state: GuardState = { alive: false, pid: undefined, armed: undefined };
  let answered = clock.now();

  const emit = (event: GuardEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const noted = (report: GuardReport): void => {
    const { pid, armed, cut } = report;
    const order = armed === undefined ? undefined : { term: armed.term, deadline: armed.deadline };
    const before = state.cut;
    state = { alive: true, pid, armed: order, ...(cut === undefined ? {} : { cut }) };
    answered = clock.now();
    if (cut === before) return;
    if (cut === undefined) log.info('guard.port_restored', 'clients are not kept away any more');
    else log.error('guard.port_cut', cut);
    emit({ kind: 'cut' });
  };
  const untilPing = (): number =>
    (state.armed === undefined && state.cut === undefined ? PING_AFTER.idle : PING_AFTER.armed) -
    elapsedAtMost(answered, clock.now());
  const heard = (message: GuardMessage): void => {
    if (message.kind === 'fenced') {
      log.warn('guard.fenced', 'the guard has killed the database', { ...message });
      emit(message);
    } else if (message.kind === 'unfenced')
      log.error('guard.unfenced', 'the guard could not fence and tries again', {
        stuck: message.stuck,
        why: message.why,
      });
    else if (message.kind === 'refused') log.warn('guard.refused', message.why, { code: message.code });
  };

  /** A guard that stays silent is worth less than none: its successor fences at the same deadline. */
  const replaceHung = (): void => {
    const hung = guardProcess(processes, socket);
    log.error('guard.hung', `the guard at ${socket} does not answer; it is killed and replaced`, { pid: hung?.pid });
    if (hung !== undefined) processes.signal(hung, 'SIGKILL');
  };

  const converse = async (open: GuardSession, signal: AbortSignal): Promise<void> => {
    const report = await open.ask({ kind: 'state', token }, hungAfter, signal);
    const otherTarget = report.dataDir !== target.dataDir || report.replicaMark !== target.replicaMark;
    if (otherTarget || (report.version !== PROTOCOL_VERSION && report.armed === undefined)) {
      log.warn('guard.outdated', 'the running guard is for another target or of another version; it is replaced', {
        dataDir: report.dataDir,
        version: report.version,
      });
      const outdated = processes.find(report.pid);
      if (outdated !== undefined) processes.signal(outdated, 'SIGTERM');
      throw new StepError('refused', `the guard at ${socket} watches ${report.dataDir}; waiting for it to end`);
    }
    noted(report);
    if (last !== undefined) await give(open, last, hungAfter, signal).catch(tolerateRefusal);
    session = open;
    mayStart = clock.now();
    log.info('guard.connected', 'connected to the guard', { pid: report.pid, phase: report.phase });
    emit({ kind: 'connected' });
    for (const wake of waiting) wake(open);
    for (;;) {
      // Looked at again at least as often as an armed guard needs: it may have been armed meanwhile.
      for (let wait = untilPing(); wait > 0; wait = untilPing())
        await clock.sleep(ms(Math.min(wait, PING_AFTER.armed)), { signal });
      noted(await open.ask({ kind: 'state', token }, hungAfter, signal));
    }
  };

  const give = async (
    open: GuardSession,
    order: Exclude<GuardOrder, { kind: 'state' }>,
    timeout: Ms,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      noted(await open.ask(order, timeout, signal));
    } catch (error) {
      if (last === order && isStep(error, 'refused') && !passes(error)) last = undefined;
      throw error;
    }
  };

  /** One connection from its beginning to its end. False when nobody listens. */
  const visit = async (signal: AbortSignal): Promise<boolean> => {
    const open = await openGuardSession(socket, clock, hungAfter, signal, heard);
    if (open === undefined) return false;
    // Ends the ping's sleep when the connection does.
    using linked = linkSignals(signal);
    void open.ended.then(() => linked.abort(new StepError('failed', 'the guard closed the connection')));
    try {
      await converse(open, linked.signal);
    } finally {
      open.close();
      state = { ...state, alive: false };
      if (session === open) {
        session = undefined;
        emit({ kind: 'lost' });
      }
    }
    return true;
  };

  /** One at a time: the one that is loading gets some time before it is given up. */
  const start = async (entry: string): Promise<void> => {
    const loading = started !== undefined && processes.alive(started);
    if (remaining(loading ? after(mayStart, LOAD_TIMEOUT) : mayStart, clock.now()) > 0) return;
    mayStart = after(clock.now(), START_INTERVAL);
    log.info('guard.start', `nobody answers at ${socket}; a guard is started`, { output: place.output });
    started = await startGuard(processes, place, entry, last);
  };

  const keepConnected = async (signal: AbortSignal): Promise<void> => {
    let complaint = '';
    while (!signal.aborted) {
      try {
        if (!(await visit(signal)) && place.entry !== undefined) await start(place.entry);
      } catch (error) {
        if (signal.aborted) return;
        if (messageOf(error) !== complaint) log.warn('guard.connection', messageOf(error));
        complaint = messageOf(error);
        if (isStep(error, 'timed-out')) replaceHung();
        if (isStep(error, 'refused')) await clock.sleep(START_INTERVAL, { signal }).catch(() => undefined);
      }
      await clock.sleep(RETRY, { signal }).catch(() => undefined);
    }
  };

  const connected = async (signal: AbortSignal): Promise<GuardSession> => {
    if (session !== undefined) return session;
    let wake: (session: GuardSession) => void = () => undefined;
    const woken = new Promise<GuardSession>((resolve) => (wake = resolve));
    waiting.add(wake);
    return raceAbort(woken, signal).finally(() => waiting.delete(wake));
  };

  /** Goes on until it is acknowledged: over lost connections, and over a fence that is under way. */
  const submit = async (
    order: Exclude<GuardOrder, { kind: 'state' }>,
    { timeout, signal }: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<void> => {
    last = order;
    if (order.kind === 'arm') hungAfter = patience(remaining(order.deadline, clock.now()));
    using linked = linkSignals(signal, closing.signal);
    await withDeadline(clock, timeout, linked.signal, `giving the guard the order to ${order.kind}`, async (within) => {
      for (;;)
        try {
          await give(await connected(within), order, timeout, within);
          return;
        } catch (error) {
          if (within.aborted || !passes(error)) throw error;
          await clock.sleep(RETRY, { signal: within });
        }
    });
  };

  const tolerateRefusal = (error: unknown): void => {
    if (!isStep(error, 'refused')) throw error;
    log.warn('guard.refused', messageOf(error));
  };

  const loop = keepConnected(closing.signal);
  return {
    arm: ({ term, deadline, fenceBudget, timeout, signal }) =>
      submit({ kind: 'arm', token, term, deadline, fenceBudget }, { timeout, signal }),
    disarm: ({ term, timeout, signal }) => submit({ kind: 'disarm', token, term }, { timeout, signal }),
    standDown: ({ term, timeout, signal }) => submit({ kind: 'stand-down', token, term }, { timeout, signal }),
    state: () => state,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      closing.abort(new StepError('failed', 'the agent is closing'));
      await loop;
    },
  };
};

/** The shorter the right, the sooner a guard that does not answer is replaced: until then nothing would end the right. */
const patience = (right: number): Ms =>
  ms(Math.max(HUNG_AFTER.least, Math.min(HUNG_AFTER.most, right * HUNG_AFTER.share)));

/** What may be otherwise in a moment. */
const passes = (error: unknown): boolean =>
  isStep(error, 'failed') || (error instanceof GuardRefusal && error.reason === 'fencing');
const isStep = (error: unknown, code: StepError['code']): boolean => error instanceof StepError && error.code === code;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
