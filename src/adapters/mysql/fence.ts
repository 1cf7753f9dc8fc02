import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import { fenceTree } from '../os/fence.ts';
import type { Parts } from './parts.ts';

/** Kills every process of the database and verifies it; the next start comes up as a replica. Throws `StepError` `timed-out`. */
export const fence = async (parts: Parts, target: GuardTarget, step: Step): Promise<void> => {
  const { processes, clock, log } = parts.site.options;
  parts.admin.reset();
  const outcome = await fenceTree({ processes, clock, target, timeout: step.timeout, signal: step.signal });
  if (!outcome.fenced) throw new StepError('timed-out', `fencing the database in ${target.dataDir}: ${outcome.why}`);
  if (outcome.killed > 0)
    log.info('database.fenced', 'the database was killed', { killed: outcome.killed, took_ms: outcome.tookMs });
};
