import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';
import { markedPriority, type Demand } from './standby-names.ts';

/** One sender of the log to a member's receiver, with what its copy of the setting makes of that receiver. */
export interface Sender {
  readonly name: string;
  readonly pid: number;
  readonly priority: number;
  /** Its receiver has said something: before, `priority` shows 0 and it can acknowledge nothing. */
  readonly heard: boolean;
  /** It began after the time that was asked about. */
  readonly young: boolean;
}

const SENDERS = `
  select application_name as name, pid, sync_priority as priority, flush_lsn is not null as heard,
         backend_start > $1::timestamptz as young
    from pg_stat_replication where application_name like '%~%'`;

/** Senders to members' receivers. @param since the server's own time, as it writes it */
export const sendersSince = async (parts: Parts, since: string, budget: Budget): Promise<readonly Sender[]> => {
  const rows = await parts.admin.rows(budget.part(1_000), SENDERS, [since]);
  return rows.map((row) => ({
    name: row['name'] ?? '',
    pid: Number(row['pid']),
    priority: Number(row['priority'] ?? 0),
    heard: row['heard'] === 't',
    young: row['young'] === 't',
  }));
};

/**
 * Whether a sender surely goes by this demand: its place in the list shows it (07-review A8). One that is no voter must have the place 0
 * AND have been heard, since 0 is shown of every sender before that.
 */
export const goesBy = (demand: Extract<Demand, { kind: 'marked' }>, sender: Sender): boolean =>
  sender.young || (sender.heard && sender.priority === markedPriority(demand, sender.name));
