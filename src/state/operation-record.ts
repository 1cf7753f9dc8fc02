import { NEVER, type Revision } from '../core/brand.ts';
import type { ClusterView, Intent, Keyed } from '../core/model.ts';
import type { KeyRef, StateTransaction } from '../core/transaction.ts';
import type { Refused } from '../ports/operations.ts';
import type { Refusal } from './operation-checks.ts';
import { sameWish } from './operation-id.ts';
import { storeRefusal, type Keys } from './operation-read.ts';

export type Recorded =
  | { readonly kind: 'recorded'; readonly intent: Intent }
  | { readonly kind: 'would-record'; readonly view: ClusterView }
  | Refused;

/** Somebody else changes the cluster at the same moment: read again and try again, but not for ever. */
const ATTEMPTS = 5;

/**
 * Records a wish by compare-and-swap: its own key is absent, and leader and configuration are what the checks saw.
 * A wish that stands there already with the same content (same idempotency key) counts as recorded.
 */
export const recordIntent = async (
  keys: Keys,
  intent: Intent,
  check: (view: ClusterView) => Promise<Refusal>,
  dryRun: boolean,
): Promise<Recorded> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await keys.read();
    if (read.kind === 'no') return read.refused;
    const { view } = read;
    const existing = find(view, intent.id);
    if (existing !== undefined)
      return sameWish(existing.value, intent) ? { kind: 'recorded', intent: existing.value } : otherWish(intent);
    const refusal = await check(view);
    if (refusal !== undefined) return refusal;
    if (dryRun) return { kind: 'would-record', view };
    const outcome = await keys.transact(proposeIntent(view, bindToLeader(view, intent)));
    switch (outcome.kind) {
      case 'applied':
        return isChange(intent) ? yieldToEarlier(keys, intent) : { kind: 'recorded', intent };
      case 'failed':
        return storeRefusal('record the request in etcd', outcome.error);
      case 'unknown':
        return settle(keys, intent, outcome.error.message);
      case 'refused':
        break;
      default:
        return outcome satisfies never;
    }
  }
  return {
    kind: 'refused',
    code: 'conflict',
    message: `The cluster changed ${ATTEMPTS} times while the request was checked; nothing was recorded.`,
    hint: 'Ask again when leader and configuration have settled.',
  };
};

/** A request that was sent without an answer may have been executed, or be executed later (rule D2): look, never repeat. */
const settle = async (keys: Keys, intent: Intent, why: string): Promise<Recorded> => {
  const read = await keys.read();
  if (read.kind === 'ok' && find(read.view, intent.id) !== undefined) return { kind: 'recorded', intent };
  return {
    kind: 'refused',
    code: 'store-unavailable',
    message: `Whether the request was recorded is not known: ${why}.`,
    hint: `Look for ${intent.id} in haagentctl list, or ask again with the same idempotency key.`,
  };
};

/**
 * Two changes of leadership recorded at the same moment pass each other's checks. The later one, by etcd's revision,
 * withdraws itself: both sides see the same order, so exactly one stays.
 */
const yieldToEarlier = async (keys: Keys, intent: Intent): Promise<Recorded> => {
  const read = await keys.read();
  if (read.kind === 'no') return { kind: 'recorded', intent };
  const own = find(read.view, intent.id);
  const earlier = read.view.intents.find(
    ({ value, modRevision }) =>
      value.kind === intent.kind &&
      value.outcome === undefined &&
      own !== undefined &&
      value.id !== intent.id &&
      modRevision < own.modRevision,
  );
  if (own === undefined || own.value.outcome !== undefined || earlier === undefined)
    return { kind: 'recorded', intent };
  const withdrawn = await keys.transact(proposeWithdrawal(intent.id, own.modRevision));
  if (withdrawn.kind !== 'applied') return { kind: 'recorded', intent };
  return {
    kind: 'refused',
    code: 'conflict',
    message: `Another ${intent.kind} was asked for a moment earlier by ${earlier.value.by} (${earlier.value.id}).`,
    hint: 'Wait for its end.',
  };
};

/** Removes an intent, if it is still as it was read. */
export const proposeWithdrawal = (id: string, modRevision: Revision): StateTransaction => ({
  compare: [{ key: { kind: 'intent', id }, modRevision }],
  writes: [{ kind: 'delete', key: { kind: 'intent', id } }],
});

/** A switchover is always from the leader that was seen, so that it ends with that leader instead of hitting the next one. */
const bindToLeader = (view: ClusterView, intent: Intent): Intent =>
  intent.kind === 'switchover' ? { ...intent, from: intent.from ?? view.leader?.value } : intent;

const proposeIntent = (view: ClusterView, intent: Intent): StateTransaction => {
  const key: KeyRef = { kind: 'intent', id: intent.id };
  return {
    compare: [
      { key, modRevision: NEVER },
      { key: { kind: 'leader' }, modRevision: view.leader?.modRevision ?? NEVER },
      { key: { kind: 'config' }, modRevision: view.configuration?.modRevision ?? NEVER },
    ],
    writes: [{ kind: 'put', key: { kind: 'intent', id: intent.id }, value: intent }],
  };
};

const find = (view: ClusterView, id: string): Keyed<Intent> | undefined =>
  view.intents.find(({ value }) => value.id === id);

const isChange = (intent: Intent): boolean => intent.kind === 'switchover' || intent.kind === 'failover';

const otherWish = (intent: Intent): Refused => ({
  kind: 'refused',
  code: 'conflict',
  message: 'The idempotency key was used for another request.',
  hint: `Use a new key for each new ${intent.kind}.`,
});
