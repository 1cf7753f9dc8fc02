import { ms, type Ms } from '../../../src/core/brand.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { Call, StoreError } from '../../../src/ports/consensus.ts';
import { between, type ClientFaults } from './faults.ts';

/** The way of one request to the store and back, with everything that can go wrong on it. */
export interface RoundTrip<T> {
  readonly call: Call;
  /** The request, executed in one step at the store. */
  readonly execute: () => T;
  /** Needs a leader (nearly everything does); waits while there is none. */
  readonly needsLeader: boolean;
  /** What the caller gets when no answer comes. `surelyNot`: it was not executed and never will be. */
  readonly unanswered: (error: StoreError, surelyNot: boolean) => T;
}

export interface RoundTripDeps {
  /** The store's clock runs the network, the client's its own deadlines. */
  readonly storeClock: Clock;
  readonly clientClock: Clock;
  readonly random: () => number;
  readonly faults: () => ClientFaults;
  /** Runs the request now, or when there is a leader again; `given up` requests may be dropped or executed then. */
  readonly admit: (request: WaitingRequest) => void;
  readonly closed: () => boolean;
  readonly onClose: (listener: () => void) => () => void;
}

export interface WaitingRequest {
  readonly needsLeader: boolean;
  readonly abandoned: () => boolean;
  readonly run: () => void;
  /** There is no leader: an answer will come late, if at all. */
  readonly held: () => void;
}

const error = (code: StoreError['code'], message: string): StoreError => ({ code, message });
const CANCELLED = error('cancelled', 'the call was cancelled');
const NO_ANSWER = error('deadline', 'no answer in time');
const NO_CONNECTION = error('unavailable', 'no connection');

/** Ends by the call's deadline, on the client's clock. */
export const runRoundTrip = async <T>(trip: RoundTrip<T>, deps: RoundTripDeps): Promise<T> => {
  const { call, unanswered } = trip;
  if (call.signal.aborted || deps.closed()) return unanswered(CANCELLED, true);
  const { promise, resolve } = Promise.withResolvers<T>();
  const started = deps.clientClock.now().mono;
  let ended = false;
  let mayExecute = true;

  const settle = (outcome: T): void => {
    if (ended) return;
    ended = true;
    call.signal.removeEventListener('abort', cancel);
    stopOnClose();
    resolve(outcome);
  };
  const cancel = (): void => settle(unanswered(CANCELLED, !mayExecute));
  call.signal.addEventListener('abort', cancel);
  const stopOnClose = deps.onClose(cancel);
  const endAtDeadline = (reason: StoreError, surelyNot: boolean): void => {
    const left = call.timeout - (deps.clientClock.now().mono - started);
    deps.clientClock.timer(ms(Math.max(0, left)), () => settle(unanswered(reason, surelyNot)));
  };
  const unknown = (): void => endAtDeadline(NO_ANSWER, false);

  const reply = (outcome: T): void => {
    const { cut, lostReplies, latency } = deps.faults();
    if (cut === 'replies' || cut === 'both' || hits(lostReplies, deps)) return unknown();
    const takes = between(latency, deps.random);
    if (deps.clientClock.now().mono - started + takes > call.timeout) return unknown();
    deps.clientClock.timer(ms(takes), () => settle(outcome));
  };
  const arrive = (): void =>
    deps.admit({
      needsLeader: trip.needsLeader,
      abandoned: () => ended,
      run: () => reply(trip.execute()),
      held: unknown,
    });

  const fate = departure(call, deps);
  if (fate.kind === 'sent') {
    if (fate.takes >= call.timeout) unknown();
    deps.storeClock.timer(fate.takes, arrive);
  } else {
    mayExecute = false;
    endAtDeadline(fate.error, fate.surelyNot);
  }
  return promise;
};

type Departure =
  | { readonly kind: 'sent'; readonly takes: Ms }
  | { readonly kind: 'lost'; readonly error: StoreError; readonly surelyNot: boolean };

const departure = (call: Call, deps: RoundTripDeps): Departure => {
  const { cut, latency, lostRequests, lateRequests, lateBy } = deps.faults();
  if (cut === 'refused') return { kind: 'lost', error: NO_CONNECTION, surelyNot: true };
  // Whether a black hole is noticed before anything was sent depends on the state of the connection.
  if (cut === 'requests' || cut === 'both' || hits(lostRequests, deps))
    return { kind: 'lost', error: NO_ANSWER, surelyNot: deps.random() < 0.5 };
  const late = hits(lateRequests, deps) ? call.timeout + deps.random() * lateBy : 0;
  return { kind: 'sent', takes: ms(late + between(latency, deps.random)) };
};

/** Draws only where there is a chance, so that a fault switched off changes nothing else. */
const hits = (chance: number, deps: RoundTripDeps): boolean => chance > 0 && deps.random() < chance;
