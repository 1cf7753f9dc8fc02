import { createHash } from 'node:crypto';
import type { Intent } from '../core/model.ts';

/**
 * The intent's id: made from the idempotency key where there is one, so that the same request sent again (after a lost
 * answer, say) finds what it recorded; else new.
 */
export const intentId = (kind: Intent['kind'], idempotencyKey: string | undefined, newId: () => string): string =>
  idempotencyKey === undefined
    ? `${kind}-${newId()}`
    : `key-${createHash('sha256').update(idempotencyKey, 'utf8').digest('hex').slice(0, 40)}`;

/** Whether the recorded intent is what is wished now, whoever asked and whatever became of it. */
export const sameWish = (recorded: Intent, wished: Intent): boolean => {
  const anyLeader = wished.kind === 'switchover' && recorded.kind === 'switchover' && wished.from === undefined;
  const found = anyLeader ? { ...recorded, from: undefined } : recorded;
  return JSON.stringify(wishOf(found)) === JSON.stringify(wishOf(wished));
};

const wishOf = (intent: Intent): readonly unknown[] => {
  switch (intent.kind) {
    case 'switchover':
      return [intent.kind, intent.at, intent.from, intent.to];
    case 'failover':
      return [intent.kind, intent.at, intent.to, intent.allowDataLoss];
    case 'restart':
      return [intent.kind, intent.at, intent.member, intent.onlyIfPending];
    case 'reinitialize':
      return [intent.kind, intent.at, intent.member, intent.fromLeader];
    default:
      return intent satisfies never;
  }
};
