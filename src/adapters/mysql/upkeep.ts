import type { Step } from '../../ports/database.ts';
import { budgetOf } from '../engine/budget.ts';
import { askFacts } from './facts.ts';
import { attach } from './follow.ts';
import type { Parts } from './parts.ts';

/**
 * What other engines keep slots for, these keep by time: the log stays for `binlog_expire_logs_seconds` (seven days unless set),
 * and no file goes that a connected replica still reads. Here only threads are started again that should run and stopped.
 */
export const keepReplicating = async (parts: Parts, step: Step): Promise<void> => {
  const { site, admin, settings } = parts;
  const budget = budgetOf(site.options.clock, step);
  const { source } = await settings.get();
  if (source === undefined) return;
  const facts = await askFacts(parts, budget.part());
  if (!facts.readOnly || facts.source?.host !== source.host || facts.source.port !== source.port) return;
  if (facts.receiver !== 'none' && facts.applying) return attach(parts, source, budget);
  site.options.log.warn(
    'database.replication_stopped',
    'a thread of the replication had stopped; it is started again',
    {
      reason: facts.trouble ?? 'unknown',
    },
  );
  // The applier first: a receiver that starts while it stands would drop what was received.
  if (!facts.applying) await admin.rows(budget.part(), facts.dialect.startApplier);
  if (facts.receiver === 'none') await admin.rows(budget.part(), facts.dialect.startReplication);
};
