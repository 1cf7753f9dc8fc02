import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ms, revision, termOf, type Term } from '../../../src/core/brand.ts';
import { remaining, type Instant } from '../../../src/core/instant.ts';
import {
  bornWith,
  initialModel,
  pollInterval,
  step,
  type Action,
  type GuardModel,
  type Input,
  type Observation,
  type Order,
} from '../../../src/guard/state.ts';

const term = (value: number): Term => termOf(revision(BigInt(value)));
const at = (value: number): Instant => ({ mono: 100_000 + value, boot: 100_000 + value });
const BUDGET = ms(1_000);
const arm = (t: number, deadline: number, token = 'ours'): Order => ({
  kind: 'arm',
  token,
  term: term(t),
  deadline: at(deadline),
  fenceBudget: BUDGET,
});
const disarm = (t: number): Order => ({ kind: 'disarm', token: 'ours', term: term(t) });
const standDown = (t: number): Order => ({ kind: 'stand-down', token: 'ours', term: term(t) });
const order = (o: Order, now = 0): Input => ({ kind: 'order', now: at(now), order: o });
const tick = (now: number, database: Observation = 'unseen'): Input => ({ kind: 'tick', now: at(now), database });
const fenceEnded = (fenced: boolean): Input => ({ kind: 'fence-ended', fenced });
const terminate = (now = 0): Input => ({ kind: 'terminate', now: at(now) });

const fresh = initialModel('ours', undefined);
/** The model after some inputs, and the kinds of the last one's actions. */
const after = (
  ...inputs: readonly Input[]
): { model: GuardModel; did: readonly string[]; actions: readonly Action[] } => {
  let [model, actions]: [GuardModel, readonly Action[]] = [fresh, []];
  for (const input of inputs) ({ model, actions } = step(model, input));
  const did = actions.map((action) =>
    action.kind === 'refuse' ? `refuse ${action.code}` : action.kind === 'watchdog' ? action.how : action.kind,
  );
  return { model, did, actions };
};

describe('without a deadline', () => {
  test('a primary is fenced, a replica and nothing are left alone', () => {
    expect(after(tick(0, 'primary')).did).toEqual(['fence']);
    for (const database of ['replica', 'none', 'unseen'] as const) expect(after(tick(0, database)).did).toEqual([]);
  });
  test('after that fence it goes on watching: a replica may start', () => {
    expect(after(tick(0, 'primary'), fenceEnded(true)).model.phase).toBe('watching');
    expect(after(tick(0, 'primary'), fenceEnded(true), tick(9, 'replica')).did).toEqual([]);
    expect(after(tick(0, 'primary'), fenceEnded(true), tick(9, 'primary')).did).toEqual(['fence']);
  });
});

describe('born with the newest order of its agent', () => {
  const saved = {
    newest: term(5),
    armed: { term: term(5), deadline: at(8_000), fenceBudget: BUDGET },
    stoodDown: false,
  };
  const left = initialModel('ours', saved);
  const born = (o: Order, now: number): GuardModel => bornWith(left, o, at(now));
  const duty = (model: GuardModel, now: number): readonly string[] =>
    step(model, tick(now)).actions.map((action) => action.kind);
  test('does not fence at the deadline that its predecessor saved, but at the newest', () => {
    expect(duty(left, 9_000)).toEqual(['fence']);
    expect(duty(born(arm(5, 20_000), 9_000), 9_000)).toEqual([]);
    expect(duty(born(arm(6, 20_000), 9_000), 19_000)).toEqual(['fence']);
  });
  test('keeps what was saved where the order is of another cluster, older, or over', () => {
    for (const o of [arm(5, 20_000, 'theirs'), arm(4, 20_000), arm(5, 7_500), arm(5, 9_500)])
      expect(born(o, 9_000)).toBe(left);
  });
  test('lets go where the agent has disarmed or stands down', () => {
    expect(born(disarm(5), 9_000).armed).toBeUndefined();
    expect(born(standDown(5), 9_000).phase).toBe('stood-down');
  });
});

describe('armed', () => {
  test('saves before it acknowledges, pings the watchdog, and lets the primary be', () => {
    expect(after(order(arm(5, 8_000))).did).toEqual(['save', 'ping', 'acknowledge']);
    expect(after(order(arm(5, 8_000)), tick(6_999, 'primary')).did).toEqual([]);
  });
  test('fences the budget before the deadline, primary or replica', () => {
    expect(after(order(arm(5, 8_000)), tick(7_000, 'replica')).did).toEqual(['fence']);
    expect(after(order(arm(5, 8_000)), tick(7_000)).did).toEqual(['fence']);
  });
  test('fences when either clock is there', () => {
    const input: Input = { kind: 'tick', now: { mono: at(1).mono, boot: at(7_000).boot }, database: 'unseen' };
    expect(after(order(arm(5, 8_000)), input).did).toEqual(['fence']);
  });
  test('the same term`s deadline only moves forward, on both clocks', () => {
    expect(after(order(arm(5, 8_000)), order(arm(5, 9_000)), tick(7_500)).did).toEqual([]);
    expect(after(order(arm(5, 8_000)), order(arm(5, 7_999))).did).toEqual(['refuse deadline-back']);
    expect(after(order(arm(5, 8_000)), order(arm(5, 8_000))).did).toEqual(['save', 'ping', 'acknowledge']);
    const skewed = { ...arm(5, 9_000), deadline: { mono: at(9_000).mono, boot: at(7_000).boot } } as Order;
    expect(after(order(arm(5, 8_000)), order(skewed)).did).toEqual(['refuse deadline-back']);
  });
  test('a newer term`s deadline replaces, also by a sooner one; an older term is refused', () => {
    expect(after(order(arm(5, 8_000)), order(arm(6, 7_000))).model.armed?.deadline).toEqual(at(7_000));
    expect(after(order(arm(5, 8_000)), order(arm(4, 9_000))).did).toEqual(['refuse older-term']);
  });
  test('a deadline that leaves no time for a fence, or lies beyond any right, is refused', () => {
    expect(after(order(arm(5, 1_000))).did).toEqual(['refuse deadline-passed']);
    expect(after(order(arm(5, -5))).did).toEqual(['refuse deadline-passed']);
    expect(after(order(arm(5, 60_001))).did).toEqual(['refuse deadline-too-far']);
  });
  test('after a pause the deadline comes before a late order', () => {
    const { did, model } = after(order(arm(5, 8_000)), order(arm(5, 90_000), 50_000));
    expect(did).toEqual(['fence', 'refuse fencing']);
    expect(model.armed?.deadline).toEqual(at(8_000));
  });
});

describe('disarmed', () => {
  test('only for a term that is not older than the armed one', () => {
    expect(after(order(arm(5, 8_000)), order(disarm(4))).did).toEqual(['refuse older-term']);
    for (const t of [5, 6])
      expect(after(order(arm(5, 8_000)), order(disarm(t))).did).toEqual(['save', 'release', 'acknowledge']);
  });
  test('is without a deadline: a primary is fenced', () => {
    expect(after(order(arm(5, 8_000)), order(disarm(5)), tick(10, 'primary')).did).toEqual(['fence']);
    expect(after(order(arm(5, 8_000)), order(disarm(5)), tick(9_000, 'replica')).did).toEqual([]);
  });
  test('remembers the term: a late order of an older one is refused', () => {
    expect(after(order(disarm(5)), order(arm(4, 8_000))).did).toEqual(['refuse older-term']);
    expect(after(order(disarm(5)), order(arm(5, 8_000))).did).toEqual(['save', 'ping', 'acknowledge']);
  });
});

describe('fenced', () => {
  const fenced = [order(arm(5, 8_000)), tick(7_000), fenceEnded(true)];
  test('releases the watchdog and kills whatever appears, until an order', () => {
    expect(after(...fenced).did).toEqual(['release']);
    for (const database of ['replica', 'primary'] as const)
      expect(after(...fenced, tick(7_500, database)).did).toEqual(['fence']);
    expect(after(...fenced, tick(7_500, 'none')).did).toEqual([]);
    expect(after(...fenced, order(disarm(5), 7_500), tick(7_600, 'replica')).did).toEqual([]);
  });
  test('a new deadline of a live term ends it, a passed one or an older term does not', () => {
    expect(after(...fenced, order(arm(5, 15_000), 9_000)).model.phase).toBe('watching');
    expect(after(...fenced, order(arm(5, 9_500), 9_000)).did).toEqual(['refuse deadline-passed']);
    expect(after(...fenced, order(arm(4, 15_000), 9_000)).did).toEqual(['refuse older-term']);
  });
  test('a fence that failed is repeated, keeps the watchdog ticking, and refuses every order', () => {
    const stuck = [order(arm(5, 8_000)), tick(7_000), fenceEnded(false)];
    expect(after(...stuck).did).toEqual([]);
    expect(after(...stuck, tick(7_250)).did).toEqual(['fence']);
    expect(after(...stuck, order(disarm(5), 7_100)).did).toEqual(['fence', 'refuse fencing']);
    expect(after(...stuck, tick(7_250), tick(7_500)).did).toEqual([]);
  });
});

describe('stood down', () => {
  test('fences nothing, until an order', () => {
    const down = [order(arm(5, 8_000)), order(standDown(5))];
    for (const database of ['primary', 'replica'] as const)
      expect(after(...down, tick(99_000, database)).did).toEqual([]);
    expect(after(...down, order(disarm(5)), tick(99_000, 'primary')).did).toEqual(['fence']);
    expect(after(...down, order(arm(5, 8_000))).model.phase).toBe('watching');
    expect(after(order(arm(5, 8_000)), order(standDown(4))).did).toEqual(['refuse older-term']);
  });
});

describe('asked to end', () => {
  test('ends at once when not armed or stood down', () => {
    expect(after(terminate()).did).toEqual(['release', 'exit']);
    expect(after(order(arm(5, 8_000)), order(standDown(5)), terminate()).did).toEqual(['release', 'exit']);
  });
  test('fences first when armed or fenced, and as often as it takes', () => {
    expect(after(order(arm(5, 8_000)), terminate()).did).toEqual(['fence']);
    const failed = [order(arm(5, 8_000)), terminate(), fenceEnded(false)];
    expect(after(...failed).did).toEqual([]);
    expect(after(...failed, tick(300), fenceEnded(true)).did).toEqual(['release', 'exit']);
    expect(after(order(arm(5, 8_000)), tick(7_000), terminate(7_000), fenceEnded(true)).did).toEqual([
      'release',
      'exit',
    ]);
  });
  test('takes no order any more', () => {
    expect(after(order(arm(5, 8_000)), terminate(), order(arm(5, 9_000))).did).toEqual(['refuse stopping']);
  });
});

test('a wrong token changes nothing and learns nothing', () => {
  expect(after(order(arm(5, 8_000, 'theirs'))).did).toEqual(['refuse wrong-token']);
  expect(after(order({ kind: 'state', token: 'theirs' })).did).toEqual(['refuse wrong-token']);
  expect(after(order(arm(5, 8_000)), order({ ...disarm(9), token: 'x' })).model.armed?.term).toBe(term(5));
});

test('a successor goes on where its predecessor ended', () => {
  const armed = { term: term(5), deadline: at(8_000), fenceBudget: BUDGET };
  const successor = initialModel('ours', { newest: term(5), armed, stoodDown: false });
  expect(step(successor, tick(10, 'primary')).actions).toEqual([]);
  expect(step(successor, tick(7_000)).actions).toEqual([{ kind: 'fence' }]);
  expect(step(successor, order(arm(4, 8_000))).actions).toMatchObject([{ code: 'older-term' }]);
  const down = initialModel('ours', { newest: term(5), armed: undefined, stoodDown: true });
  expect(step(down, tick(10, 'primary')).actions).toEqual([]);
});

test('looks often while armed, within a tenth of the fence, rarely without a deadline', () => {
  const armed = (fenceBudget: number) =>
    initialModel('ours', {
      newest: term(5),
      armed: { term: term(5), deadline: at(8_000), fenceBudget: ms(fenceBudget) },
      stoodDown: false,
    });
  expect([600, 1_000, 1_500, 2_000, 12_000].map((budget) => pollInterval(armed(budget)))).toEqual([
    100, 100, 150, 200, 200,
  ]);
  expect(pollInterval(fresh)).toBe(1_000);
});

test('whatever happens: no deadline passes without a fence, and no acknowledgement without a saved model', () => {
  const times = fc.nat({ max: 30_000 });
  const terms = fc.integer({ min: 1, max: 4 });
  const inputs = fc.array(
    fc.oneof(
      fc.record({ by: fc.constant('arm'), term: terms, deadline: times }),
      fc.record({
        by: fc.constantFrom('disarm', 'stand-down', 'tick', 'fence-ok', 'fence-failed'),
        term: terms,
        deadline: times,
      }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(inputs, fc.nat({ max: 2_000 }), (list, stride) => {
      let [model, running, now] = [fresh, false, 0];
      for (const { by, term: t, deadline } of list) {
        now += stride;
        const input: Input =
          by === 'arm'
            ? order(arm(t, deadline), now)
            : by === 'disarm'
              ? order(disarm(t), now)
              : by === 'stand-down'
                ? order(standDown(t), now)
                : by === 'tick'
                  ? tick(now)
                  : fenceEnded(by === 'fence-ok');
        if (input.kind === 'fence-ended' && !running) continue;
        const before = model;
        const { model: next, actions } = step(model, input);
        model = next;
        if (input.kind === 'fence-ended') running = false;
        for (const action of actions) {
          if (action.kind === 'fence') {
            expect(running).toBe(false);
            running = true;
          }
        }
        const kinds = actions.map((action) => action.kind);
        if (input.kind === 'order' && kinds.includes('acknowledge'))
          expect(kinds).toEqual(['save', 'watchdog', 'acknowledge']);
        expect(model.phase === 'fencing').toBe(running);
        if (model.phase === 'watching' && model.armed !== undefined && input.kind !== 'fence-ended')
          expect(remaining(model.armed.deadline, at(now))).toBeGreaterThan(BUDGET);
        if (before.newest !== undefined) expect(model.newest! >= before.newest).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
