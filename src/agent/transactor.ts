import { NEVER, type InstanceId, type MemberName, type Ms } from '../core/brand.ts';
import type { Effect, Event, Settled } from '../core/memory.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { ConsensusStore, TransactOutcome } from '../ports/consensus.ts';
import { decodeView } from '../state/decode.ts';
import { encodeTransaction } from '../state/encode.ts';

/** Sends the core's transactions and tells it what became of each: applied, refused, unknown or surely not executed. */
export const createTransactor = (deps: {
  readonly store: ConsensusStore;
  readonly prefix: string;
  readonly positions: PositionAlgebra;
  readonly callTimeout: () => Ms;
  readonly self: () => { readonly name: MemberName; readonly instance: InstanceId };
  readonly signal: AbortSignal;
  readonly post: (event: Event) => void;
  readonly measured: (what: string, outcome: TransactOutcome['kind'], tookMs: number) => void;
  readonly now: () => number;
}): ((effect: Extract<Effect, { kind: 'transact' }>) => Promise<void>) => {
  const settled = (outcome: TransactOutcome): Settled => {
    switch (outcome.kind) {
      case 'applied':
        return outcome;
      case 'refused': {
        const range = { revision: outcome.revision, keys: outcome.found, clusterId: '' };
        const { leader, heartbeat } = decodeView({ prefix: deps.prefix, range, positions: deps.positions });
        const self = deps.self();
        return {
          kind: 'refused',
          revision: outcome.revision,
          leader: leader?.modRevision ?? NEVER,
          heartbeat: heartbeat?.modRevision ?? NEVER,
          mine: heartbeat?.value.member === self.name && heartbeat.value.instance === self.instance,
        };
      }
      case 'unknown':
        return { kind: 'unknown', why: outcome.error.message };
      case 'failed':
        return { kind: 'failed', why: outcome.error.message, code: outcome.error.code };
      default:
        return outcome satisfies never;
    }
  };

  return async ({ flight, transaction, urgent }) => {
    const before = deps.now();
    const encoded = encodeTransaction({ prefix: deps.prefix, transaction });
    const outcome = await deps.store.transact(encoded, { timeout: deps.callTimeout(), signal: deps.signal });
    deps.measured(urgent ? 'leadership' : 'other', outcome.kind, deps.now() - before);
    deps.post({ kind: 'transacted', flight, outcome: settled(outcome) });
  };
};
