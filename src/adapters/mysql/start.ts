import type { Source } from '../../core/database.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf } from '../engine/budget.ts';
import { follow } from './follow.ts';
import type { Parts } from './parts.ts';
import { startStopped, untilAnswering } from './start-stopped.ts';

/**
 * Starts the server read-only, and lets it follow `source` where its log is part of the source's. A source that cannot be
 * followed yet does not make the start fail: the running server tells how far its log reaches, and the rest is decided from that.
 */
export const start = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly source: Source | undefined },
): Promise<void> => {
  const { clock, log } = parts.site.options;
  const budget = budgetOf(clock, order);
  if (parts.server.find() === undefined) await startStopped(parts, target, budget.part());
  else await untilAnswering(parts, budget);
  try {
    await follow(parts, { ...budget.part(), source: order.source });
  } catch (error) {
    order.signal.throwIfAborted();
    if (order.source === undefined || !(error instanceof StepError)) throw error;
    await parts.settings.set({ source: undefined });
    log.warn('database.not_following', 'the server runs, but does not follow yet', { reason: error.message });
  }
};
