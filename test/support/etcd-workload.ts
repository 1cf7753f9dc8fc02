import { ms, NEVER } from '../../src/core/brand.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Call, ConsensusStore, TransactOutcome } from '../../src/ports/consensus.ts';

/**
 * A writer that never stops: one transaction after another, each with a key of its own. Afterwards the store is asked
 * which were executed, and every outcome must have told the truth.
 */
export interface OutcomeCheck {
  /** Stops writing and compares; throws with the first outcome that lied. */
  finish(reader: ConsensusStore): Promise<Record<TransactOutcome['kind'], number>>;
  readonly slowestMs: () => number;
}

export const startOutcomeCheck = (
  store: ConsensusStore,
  options: { readonly prefix: string; readonly clock: Clock; readonly timeout: number; readonly value?: string },
): OutcomeCheck => {
  const { prefix, clock, timeout, value = '' } = options;
  const outcomes = new Map<string, TransactOutcome>();
  const stop = new AbortController();
  const call = (): Call => ({ timeout: ms(timeout), signal: new AbortController().signal });
  let slowest = 0;

  const run = async (): Promise<void> => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const key = `${prefix}${n}`;
      const from = clock.now().mono;
      const txn = { compare: [{ key, modRevision: NEVER }], writes: [{ kind: 'put', key, value } as const] };
      outcomes.set(key, await store.transact(txn, call()));
      slowest = Math.max(slowest, clock.now().mono - from);
      await clock.sleep(ms(2), call());
    }
  };
  const running = run();

  return {
    slowestMs: () => slowest,
    finish: async (reader) => {
      stop.abort();
      await running;
      const counts = { applied: 0, refused: 0, unknown: 0, failed: 0 };
      const read = await reader.range(prefix, { ...call(), timeout: ms(5_000) });
      if (read.kind === 'failed') throw new Error(read.error.message);
      const there = new Map(read.value.keys.map((kv) => [kv.key, kv.modRevision]));
      for (const [key, outcome] of outcomes) {
        counts[outcome.kind] += 1;
        if (outcome.kind === 'applied' && there.get(key) !== outcome.revision)
          throw new Error(`${key}: applied at ${outcome.revision}, but the store has ${there.get(key) ?? 'nothing'}`);
        if ((outcome.kind === 'failed' || outcome.kind === 'refused') && there.has(key))
          throw new Error(`${key}: ${outcome.kind}, but it was executed: ${JSON.stringify(outcome, bigints)}`);
      }
      return counts;
    },
  };
};

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
