import type { Source } from '../../core/database.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { budgetOf } from '../engine/budget.ts';
import { follow } from './follow.ts';
import type { Parts } from './parts.ts';
import { startStopped, untilAnswering } from './start-stopped.ts';

/** Starts the server as a replica of `source`, or of nobody. Where it runs already, it only follows `source`. */
export const start = async (
  parts: Parts,
  target: GuardTarget,
  order: Step & { readonly source: Source | undefined },
): Promise<void> => {
  const budget = budgetOf(parts.site.options.clock, order);
  const running = await parts.postmaster.find();
  if (running === undefined) return startStopped(parts, target, order);
  await parts.postmaster.ready(running, budget);
  await untilAnswering(parts, budget);
  await follow(parts, target, { ...budget.part(), source: order.source });
};
