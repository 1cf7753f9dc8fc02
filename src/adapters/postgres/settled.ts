import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { processState } from './process-state.ts';

/** Waits of the checkpointer that a signal ends, and before which it reads its configuration anew. */
const CHECKPOINTER_WAITS: ReadonlySet<string> = new Set(['CheckpointerMain', 'CheckpointWriteDelay']);
/** The same of a sender: its loop begins with reading its configuration and ends with this wait. */
const SENDER_WAITS: ReadonlySet<string> = new Set(['WalSenderMain']);

const WAIT = 'select wait_event from pg_stat_activity where pid = $1';
const CHECKPOINTER = `select pid from pg_stat_activity where backend_type = 'checkpointer'`;

/**
 * Whether a process goes by everything that it was told to reload before this call: no SIGHUP is on its way to it any more, it sleeps
 * since then, and its sleep is one of those that the signal ends. So it has been through its loop, which reads the configuration first.
 */
const asleepSince = async (parts: Parts, pid: number, waits: ReadonlySet<string>, budget: Budget): Promise<boolean> => {
  if (!(pid > 0) || (await processState(pid))?.reloadPending !== false) return false;
  if ((await processState(pid))?.sleeping !== true) return false;
  const [row] = await parts.admin.rows(budget.part(1_000), WAIT, [String(pid)]);
  return waits.has(row?.['wait_event'] ?? '');
};

/** Whether the checkpointer has heeded a reload: it switches waiting for acknowledgements on and off for all sessions (07-review A8). */
export const checkpointerSettled = async (parts: Parts, budget: Budget, within: number): Promise<boolean> =>
  (await budget.poll(10, within, async () => {
    const [row] = await parts.admin.rows(budget.part(1_000), CHECKPOINTER);
    return (await asleepSince(parts, Number(row?.['pid']), CHECKPOINTER_WAITS, budget)) ? true : undefined;
  })) ?? false;

/** Whether a sender has heeded a reload: it counts acknowledgements with its own copy of the setting (07-review A8). */
export const senderSettled = (parts: Parts, pid: number, budget: Budget): Promise<boolean> =>
  asleepSince(parts, pid, SENDER_WAITS, budget);
