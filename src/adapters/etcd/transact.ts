import type { ITxnRequest, ITxnResponse } from 'etcd3';
import { ms, type Ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Call, Transaction, TransactOutcome } from '../../ports/consensus.ts';
import { checkRequestOf, foundIn, revisionOf, txnRequestOf } from './encoding.ts';
import { ping, sendWatched } from './liveness.ts';
import { runTries, type Tried, type TriesDeps } from './tries.ts';

/**
 * One transaction. It goes to a second endpoint only when the first surely never got it (rule D2): that is certain only
 * on a connection on which nothing was sent, so a connection that has not answered yet is asked something harmless first.
 */
export const transact = async (txn: Transaction, call: Call, deps: TriesDeps): Promise<TransactOutcome> => {
  const from = deps.clock.now();
  const tried = await send(txnRequestOf(txn), `the transaction on ${keysOf(txn)}`, call, deps);
  if (tried.kind === 'ok') {
    const revision = revisionOf(tried.value.header.revision);
    return tried.value.succeeded
      ? { kind: 'applied', revision }
      : { kind: 'refused', revision, found: foundIn(tried.value) };
  }
  if (tried.executed === 'no') return { kind: 'failed', error: tried.error };
  const left = ms(call.timeout - elapsedAtMost(from, deps.clock.now()));
  const surelyNot = tried.executed === 'settled' && (await changedNothing(txn, { ...call, timeout: left }, deps));
  return { kind: surelyNot ? 'failed' : 'unknown', error: tried.error };
};

const send = async (request: ITxnRequest, what: string, call: Call, deps: TriesDeps): Promise<Tried<ITxnResponse>> =>
  runTries(
    {
      what,
      repeatable: false,
      attempt: async (connection, limits) => {
        const { left, ...short } = limits;
        const from = deps.clock.now();
        if (!connection.proven()) {
          const alive = await ping(connection, short);
          if (alive.kind === 'fault') return { kind: 'fault', fault: { ...alive.fault, executed: 'no' } };
        }
        const rest: Ms = ms(Math.max(0, left - elapsedAtMost(from, deps.clock.now())));
        return sendWatched(
          async (client, options) => client.kv.txn(request, options),
          connection,
          { ...limits, left: rest },
          deps.clock,
        );
      },
    },
    call,
    deps,
  );

/**
 * For an answer after which nothing is under way any more: reading tells whether the transaction was executed, because it
 * changes a key that it compares. A full etcd answers the write that fills it with the same error as all later ones.
 */
const changedNothing = async (txn: Transaction, call: Call, deps: TriesDeps): Promise<boolean> => {
  const compared = new Set(txn.compare.map(({ key }) => key));
  if (call.timeout <= 0 || !txn.writes.some((write) => write.kind === 'put' && compared.has(write.key))) return false;
  const check = await send(checkRequestOf(txn), `the check of ${keysOf(txn)}`, call, deps);
  return check.kind === 'ok' && check.value.succeeded;
};

const keysOf = (txn: Transaction): string =>
  [...new Set([...txn.writes, ...txn.compare].map(({ key }) => key))].slice(0, 6).join(', ');
