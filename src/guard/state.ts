import { ms, type Ms, type Term } from '../core/brand.ts';
import { remaining, type Instant } from '../core/instant.ts';
import { LONGEST_TTL } from '../core/timing.ts';

/**
 * What the guard knows and does, as a pure function of what happens to it (rules D4, A13, A15; "The guard and the fence").
 * It grants nothing: an order can only move the moment at which it kills.
 */
export interface GuardModel {
  /** Whoever gives an order must know it: an agent of another cluster cannot arm or disarm. */
  readonly token: string;
  /** The newest term heard of; orders of older ones are refused. */
  readonly newest: Term | undefined;
  /** Kept while fenced: the guard stays armed against whatever appears, until an order says otherwise. */
  readonly armed: Armed | undefined;
  /**
   * `watching`: for the deadline, or without one for a primary, which must not run then. `fencing`: a fence is running.
   * `unfenced`: the last one did not succeed and is repeated. `fenced`: verified; whatever appears is killed.
   * `stood-down`: hands off until the next order.
   */
  readonly phase: 'watching' | 'fencing' | 'unfenced' | 'fenced' | 'stood-down';
  /** Asked to end; it does as soon as that is safe. */
  readonly stopping: boolean;
}

export interface Armed {
  readonly term: Term;
  readonly deadline: Instant;
  /** How long before the deadline the fence begins. */
  readonly fenceBudget: Ms;
}

export type Order =
  | ({ readonly kind: 'arm'; readonly token: string } & Armed)
  | { readonly kind: 'disarm' | 'stand-down'; readonly token: string; readonly term: Term }
  | { readonly kind: 'state'; readonly token: string };

/** What runs in the data directory. `primary`: without the replica mark. `unseen`: this tick did not look. */
export type Observation = 'unseen' | 'none' | 'replica' | 'primary';

export type Input =
  | {
      readonly kind: 'tick';
      readonly now: Instant;
      readonly database: Observation;
    }
  | { readonly kind: 'order'; readonly now: Instant; readonly order: Order }
  | { readonly kind: 'fence-ended'; readonly fenced: boolean }
  | { readonly kind: 'terminate'; readonly now: Instant };

export type RefusalCode =
  'wrong-token' | 'fencing' | 'stopping' | 'older-term' | 'deadline-back' | 'deadline-passed' | 'deadline-too-far';

export type Action =
  | { readonly kind: 'fence' }
  /** Saves the model; comes before the answer that promises it. */
  | { readonly kind: 'save' }
  | { readonly kind: 'watchdog'; readonly how: 'ping' | 'release' }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly why: string }
  | { readonly kind: 'exit' };

export interface Step {
  readonly model: GuardModel;
  readonly actions: readonly Action[];
}

/** A guard as it starts, with what a predecessor of the same boot had saved. */
export const initialModel = (
  token: string,
  saved:
    { readonly newest: Term | undefined; readonly armed: Armed | undefined; readonly stoodDown: boolean } | undefined,
): GuardModel => ({
  token,
  newest: saved?.newest,
  armed: saved?.armed,
  phase: saved?.stoodDown === true ? 'stood-down' : 'watching',
  stopping: false,
});

/**
 * The same with the newest order of the agent that starts this guard, as far as it may be followed. It comes before the saved
 * deadline is looked at: a predecessor that hung has saved none of the last ones, and that the agent's right goes on is proven
 * elsewhere (docs/decisions/0009).
 */
export const bornWith = (model: GuardModel, order: Order, now: Instant): GuardModel => obey(model, order, now).model;

/** The next model, and what has to be done, in this order. The deadline comes before every order: also after a pause. */
export const step = (model: GuardModel, input: Input): Step => {
  if (input.kind === 'tick') return tick(model, input.now, input.database);
  if (input.kind === 'fence-ended') return fenceEnded(model, input.fenced);
  const first = tick(model, input.now, 'unseen');
  const second = input.kind === 'order' ? obey(first.model, input.order, input.now) : terminate(first.model);
  return { model: second.model, actions: [...first.actions, ...second.actions] };
};

const tick = (model: GuardModel, now: Instant, database: Observation): Step => {
  const { phase, armed } = model;
  const due =
    phase === 'unfenced' ||
    (phase === 'fenced' && (database === 'primary' || database === 'replica')) ||
    (phase === 'watching' &&
      (armed === undefined ? database === 'primary' : remaining(armed.deadline, now) <= armed.fenceBudget));
  return due ? beginFence(model) : { model, actions: [] };
};

const beginFence = (model: GuardModel): Step => ({
  model: { ...model, phase: 'fencing' },
  actions: [{ kind: 'fence' }],
});

/** The watchdog is let go only where nothing is left that it would have to stop. */
const fenceEnded = (model: GuardModel, fenced: boolean): Step => {
  if (!fenced) return { model: { ...model, phase: 'unfenced' }, actions: [] };
  const phase = model.armed === undefined ? 'watching' : 'fenced';
  const end: readonly Action[] = model.stopping ? [{ kind: 'exit' }] : [];
  return { model: { ...model, phase }, actions: [{ kind: 'watchdog', how: 'release' }, ...end] };
};

const terminate = (model: GuardModel): Step => {
  const stopping = { ...model, stopping: true };
  if (model.phase === 'fencing') return { model: stopping, actions: [] };
  if (model.phase === 'stood-down' || (model.phase === 'watching' && model.armed === undefined))
    return { model: stopping, actions: [{ kind: 'watchdog', how: 'release' }, { kind: 'exit' }] };
  return beginFence(stopping);
};

const obey = (model: GuardModel, order: Order, now: Instant): Step => {
  const refusal = refusalOf(model, order, now);
  if (refusal !== undefined) return { model, actions: [{ kind: 'refuse', ...refusal }] };
  if (order.kind === 'state') return { model, actions: [{ kind: 'acknowledge' }] };
  const newest = model.newest === undefined || order.term > model.newest ? order.term : model.newest;
  const { term } = order;
  const armed = order.kind === 'arm' ? { term, deadline: order.deadline, fenceBudget: order.fenceBudget } : undefined;
  return {
    model: { ...model, newest, armed, phase: order.kind === 'stand-down' ? 'stood-down' : 'watching' },
    actions: [
      { kind: 'save' },
      { kind: 'watchdog', how: order.kind === 'arm' ? 'ping' : 'release' },
      { kind: 'acknowledge' },
    ],
  };
};

type Refusal = { readonly code: RefusalCode; readonly why: string };

const refusalOf = (model: GuardModel, order: Order, now: Instant): Refusal | undefined => {
  if (order.token !== model.token)
    return { code: 'wrong-token', why: 'the order comes from an agent of another cluster or member' };
  if (order.kind === 'state') return undefined;
  if (model.stopping) return { code: 'stopping', why: 'the guard was asked to end' };
  if (model.phase === 'fencing' || model.phase === 'unfenced')
    return { code: 'fencing', why: 'a fence is under way; ask again when it has ended' };
  if (order.kind === 'arm') return armRefusal(model, order, now);
  if (model.armed !== undefined && order.term < model.armed.term)
    return { code: 'older-term', why: `armed for term ${model.armed.term}, the order is of term ${order.term}` };
  return undefined;
};

const armRefusal = (model: GuardModel, order: Armed, now: Instant): Refusal | undefined => {
  const { term, deadline, fenceBudget } = order;
  if (model.newest !== undefined && term < model.newest)
    return { code: 'older-term', why: `term ${model.newest} was heard of, the order is of term ${term}` };
  const before = model.armed?.term === term ? model.armed.deadline : undefined;
  if (before !== undefined && (deadline.mono < before.mono || deadline.boot < before.boot))
    return { code: 'deadline-back', why: `a deadline of term ${term} can only move forward` };
  const left = remaining(deadline, now);
  if (left <= fenceBudget)
    return { code: 'deadline-passed', why: `${Math.round(left)} ms are left, the fence needs ${fenceBudget} ms` };
  if (Math.max(deadline.mono - now.mono, deadline.boot - now.boot) > LONGEST_TTL)
    return { code: 'deadline-too-far', why: `no right lasts longer than ${LONGEST_TTL} ms` };
  return undefined;
};

/** Between two looks of an armed guard at its clocks. */
const ARMED_POLL = { least: 100, most: 200, share: 1 / 10 };

/**
 * How often the guard looks at clocks, and at what runs: only as often as the phase needs. Armed, a timer ends at the very
 * moment of the fence; in between it looks for a clock that jumped, within a tenth of the time that a fence may take: well
 * within the margin that is kept free behind it (docs/decisions/0026).
 */
export const pollInterval = (model: GuardModel): Ms => {
  const { phase, armed } = model;
  if (phase === 'watching' && armed !== undefined)
    return ms(Math.min(ARMED_POLL.most, Math.max(ARMED_POLL.least, armed.fenceBudget * ARMED_POLL.share)));
  if (phase === 'watching') return ms(1_000);
  return phase === 'stood-down' ? ms(1_000) : ms(250);
};
