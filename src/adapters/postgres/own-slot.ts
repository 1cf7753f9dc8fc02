import type { Source } from '../../core/database.ts';
import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { slotName } from './slot-names.ts';
import type { Site } from './site.ts';
import { withSource } from './source-session.ts';

/** How long a source may take; one that does not answer will not be streamed from either. */
const PATIENCE = 2_000;

/**
 * Makes this member's slot on its source, where it is missing: the source refuses a receiver whose slot it does not know, and
 * its own agent may not have heard of this member yet. Never throws but at an abort: the receiver tries on by itself.
 */
export const ensureOwnSlot = async (site: Site, source: Source, step: Step): Promise<void> => {
  const { options } = site;
  const budget = budgetOf(options.clock, budgetOf(options.clock, step).part(PATIENCE));
  try {
    await withSource(options, source, 'replication', budget, async (session) => {
      await session.rows(budget.part(), `CREATE_REPLICATION_SLOT ${slotName(options.name)} PHYSICAL RESERVE_WAL`);
    });
  } catch (error) {
    step.signal.throwIfAborted();
    const said = error instanceof Error ? error.message : String(error);
    if (!said.includes('already exists'))
      options.log.debug('database.slot_not_made', `the slot on ${source.member} could not be made`, { said });
  }
};
