import { ms, type Ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Call, StoreError } from '../../ports/consensus.ts';
import { createBudget, type Budget } from './budget.ts';
import type { Answer, Connection, Limits } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { Fault } from './faults.ts';
import type { Pool } from './pool.ts';

/** How one call is tried at one endpoint, and whether at another one after that. */
export interface Plan<T> {
  /** For messages: `reading /ha/c1/`. */
  readonly what: string;
  /** May be sent again although it was perhaps executed (reads, renewals). Never a transaction (rule D2). */
  readonly repeatable: boolean;
  readonly attempt: (connection: Connection, tried: TryLimits) => Promise<Answer<T>>;
}

export interface TryLimits extends Limits {
  /** Share of the budget that a silent endpoint may cost. */
  readonly timeout: Ms;
  /** All that is left of the budget. */
  readonly left: Ms;
}

export type Tried<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly connection: Connection }
  | { readonly kind: 'failed'; readonly error: StoreError; readonly executed: Fault['executed'] };

export interface TriesDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly random: () => number;
  /** Aborted when the store closes. */
  readonly closing: AbortSignal;
}

const LONGEST_TRY_MS = 500;
const SHORTEST_TRY_MS = 5;
const PAUSE_MS = { least: 20, spread: 30, longest: 250 };

/** Runs a plan at one endpoint after another. Ends by the call's deadline, never throws. */
export const runTries = async <T>(plan: Plan<T>, call: Call, deps: TriesDeps): Promise<Tried<T>> => {
  const budget = createBudget(call, deps);
  const said = new Map<Endpoint, Fault>();
  try {
    for (let round = 0; ; round++)
      for (const endpoint of deps.pool.order()) {
        if (budget.ended() !== undefined || budget.left() < SHORTEST_TRY_MS)
          return outOfBudget(plan, call, budget, said);
        const { connection, answer } = await tryAt(endpoint, plan, call, budget, deps);
        if (answer.kind === 'ok') return { kind: 'ok', value: answer.value, connection };
        if (answer.fault.code !== 'deadline' || !said.has(endpoint)) said.set(endpoint, answer.fault);
        if (answer.fault.next === 'stop' || (answer.fault.executed !== 'no' && !plan.repeatable))
          return {
            kind: 'failed',
            executed: answer.fault.executed,
            error: { code: answer.fault.code, message: `${plan.what} failed: ${listOf(said)}` },
          };
        await pause(round, budget, deps);
      }
  } finally {
    budget.release();
  }
};

/** One endpoint; a second time when only the login had run out. */
const tryAt = async <T>(endpoint: Endpoint, plan: Plan<T>, call: Call, budget: Budget, { pool }: TriesDeps) => {
  for (let again = false; ; again = true) {
    const connection = pool.connection(endpoint);
    const left = budget.left();
    const timeout = ms(Math.min(LONGEST_TRY_MS, call.timeout / 3, left));
    const answer = await plan.attempt(connection, { timeout, left, signal: budget.signal });
    if (answer.kind === 'ok') {
      pool.worked(connection);
      return { connection, answer };
    }
    const fault: Fault =
      answer.fault.code === 'cancelled' && budget.ended() === 'deadline'
        ? { ...answer.fault, code: 'deadline', details: 'no answer in time', next: 'elsewhere', drop: true }
        : answer.fault;
    pool.failed(connection, fault);
    if (fault.next !== 'login' || again || budget.ended() !== undefined)
      return { connection, answer: { kind: 'fault' as const, fault } };
  }
};

const outOfBudget = <T>(plan: Plan<T>, call: Call, budget: Budget, said: ReadonlyMap<Endpoint, Fault>): Tried<T> => {
  if (budget.ended() === 'cancelled')
    return { kind: 'failed', executed: 'no', error: { code: 'cancelled', message: `${plan.what} was cancelled` } };
  const codes = [...said.values()].map((fault) => fault.code);
  const [first] = codes;
  const code = first !== undefined && codes.every((c) => c === first) ? first : 'unavailable';
  const message = `${plan.what} failed within ${call.timeout} ms: ${listOf(said)}. Check that etcd runs and can be reached`;
  return { kind: 'failed', executed: 'no', error: { code, message } };
};

const listOf = (said: ReadonlyMap<Endpoint, Fault>): string =>
  said.size === 0
    ? 'there was no time for a try'
    : [...said].map(([e, fault]) => `${e.url}: ${fault.details}`).join('; ');

/** Spreads the tries of many agents, and slows down when every endpoint refuses at once. */
const pause = async (round: number, budget: Budget, { clock, random }: TriesDeps): Promise<void> => {
  const wanted = Math.min(PAUSE_MS.longest, (PAUSE_MS.least + random() * PAUSE_MS.spread) * 2 ** Math.min(round, 4));
  const length = ms(Math.min(wanted, budget.left()));
  if (budget.ended() === undefined && length > 0)
    await clock.sleep(length, { signal: budget.signal }).catch(() => undefined);
};
