import { ms, type Ms } from '../core/brand.ts';
import { elapsedAtMost, type Instant } from '../core/instant.ts';
import type { ClusterView } from '../core/model.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { StateTransaction } from '../core/transaction.ts';
import type { Clock } from '../ports/clock.ts';
import type { Call, ConsensusStore, RangeResult, StoreError, TransactOutcome } from '../ports/consensus.ts';
import type { How, Refused } from '../ports/operations.ts';
import { decodeView } from './decode.ts';
import { encodeTransaction } from './encode.ts';

/** The cluster's keys as an operation reads and writes them, within the time that its caller gives it. */
export interface Keys {
  read(): Promise<ReadResult>;
  transact(transaction: StateTransaction): Promise<TransactOutcome>;
  /** Milliseconds until the caller's time is over. */
  left(): Ms;
}

type ReadResult =
  | { readonly kind: 'ok'; readonly view: ClusterView; readonly range: RangeResult }
  | { readonly kind: 'no'; readonly refused: Refused };

export interface KeysDeps {
  readonly store: ConsensusStore;
  /** With a slash at its end. */
  readonly prefix: string;
  readonly positions: PositionAlgebra;
  readonly clock: Clock;
}

/** One call to etcd takes at most this much of an operation's time. */
const CALL = 3_000;

/** Keys for one operation: its deadline counts from now. */
export const createKeys = (deps: KeysDeps, how: How): Keys => {
  const begun: Instant = deps.clock.now();
  const left = (): Ms => ms(Math.max(0, how.timeout - elapsedAtMost(begun, deps.clock.now())));
  const call = (): Call => ({ timeout: ms(Math.max(1, Math.min(CALL, left()))), signal: how.signal });
  return {
    left,
    async read() {
      const result = await deps.store.range(deps.prefix, call());
      if (result.kind === 'failed')
        return { kind: 'no', refused: storeRefusal('read the cluster from etcd', result.error) };
      const view = decodeView({ prefix: deps.prefix, range: result.value, positions: deps.positions });
      return { kind: 'ok', view, range: result.value };
    },
    transact: (transaction) => deps.store.transact(encodeTransaction({ prefix: deps.prefix, transaction }), call()),
  };
};

/** What an operator reads when etcd did not do what was asked of it, and nothing was written. */
export const storeRefusal = (what: string, error: StoreError): Refused => ({
  kind: 'refused',
  code: 'store-unavailable',
  message: `Could not ${what}: ${error.message}.`,
  hint: STORE_HINTS[error.code] ?? 'Check that a majority of the etcd servers runs and can be reached from here.',
});

const STORE_HINTS: Partial<Record<StoreError['code'], string>> = {
  auth: 'Check the etcd user, its password and its role on the prefix of this cluster.',
  'no-space': 'etcd is out of space: compact and defragment it, then disarm the alarm NOSPACE.',
};
