import type { Term } from '../../core/brand.ts';
import { StepError } from '../../core/errors.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { SCHEMA } from './roles.ts';
import { endBackend } from './sync-wait.ts';

const BARRIER = `
  insert into ${SCHEMA}.barrier (term, at) values ($1, clock_timestamp())
  on conflict (single) do update set term = excluded.term, at = excluded.at`;

/**
 * A commit under the settings in force, recording the term: everything before it is acknowledged too (D8, D16). Throws
 * `StepError` `timed-out` when the acknowledgements do not come, `failed` when the server committed without them.
 */
export const barrier = async (parts: Parts, order: Step & { readonly term: Term }): Promise<void> => {
  const budget = budgetOf(parts.site.options.clock, order);
  const session = await parts.admin.writer(budget.part());
  session.takeWarnings();
  try {
    await session.rows(budget.part(), BARRIER, [String(order.term)]);
  } catch (error) {
    await endBackend(parts, session);
    throw error;
  }
  const warnings = session.takeWarnings();
  if (warnings.length > 0)
    throw new StepError('failed', `the barrier of term ${order.term} was not acknowledged: ${warnings.join('; ')}`);
};

/** Writes everything to the data files now, so that a stop that follows is short and others may rewind to this primary. */
export const checkpoint = async (parts: Parts, step: Step): Promise<void> => {
  const budget = budgetOf(parts.site.options.clock, step);
  const { checkpointRole } = await parts.site.dialect(budget.part());
  const sql = checkpointRole === undefined ? `select ${SCHEMA}.checkpoint()` : 'checkpoint';
  await parts.admin.once(budget.part(), (session) => session.rows(budget.part(), sql));
};
