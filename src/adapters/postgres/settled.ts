import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { processState } from './process-state.ts';

const CHECKPOINTER = `
  select pid, wait_event from pg_stat_activity where backend_type = 'checkpointer'`;

/** Waits of the checkpointer that a signal ends, and before which it reads its configuration anew. */
const OWN_WAITS: ReadonlySet<string> = new Set(['CheckpointerMain', 'CheckpointWriteDelay']);

/**
 * Whether the checkpointer goes by everything that it was told to reload before this call: it switches waiting for acknowledgements
 * on and off for all sessions (07-review A8). No SIGHUP is on its way to it any more, it sleeps since then, and its sleep is one of those
 * that the signal ends: so it has been through its loop, which reads the configuration first.
 */
export const checkpointerSettled = async (parts: Parts, budget: Budget, within: number): Promise<boolean> =>
  (await budget.poll(10, within, async () => {
    const [before] = await parts.admin.rows(budget.part(1_000), CHECKPOINTER);
    const pid = Number(before?.['pid']);
    if (!(pid > 0) || (await processState(pid))?.reloadPending !== false) return undefined;
    if ((await processState(pid))?.sleeping !== true) return undefined;
    const [after] = await parts.admin.rows(budget.part(1_000), CHECKPOINTER);
    return Number(after?.['pid']) === pid && OWN_WAITS.has(after?.['wait_event'] ?? '') ? true : undefined;
  })) ?? false;
