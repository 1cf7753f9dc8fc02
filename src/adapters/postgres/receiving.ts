import type { Budget } from '../engine/budget.ts';
import type { Parts } from './parts.ts';

/** From whom a replica takes its log just now, as the server itself tells. */
export interface Receiving {
  /** Address that the receiver is connected to or connecting to; undefined when there is no receiver. */
  readonly pid: number | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly streaming: boolean;
  /** The startup process is between two attempts to get log: it has nothing left to replay and has read the configuration. */
  readonly idle: boolean;
  /** What the startup process waits for is a session, not log. */
  readonly blocked: boolean;
  readonly startup: number | undefined;
  readonly applied: string | undefined;
  readonly recovering: boolean;
}

const RECEIVING = `
  select pg_is_in_recovery() as recovering, pg_last_wal_replay_lsn() as applied,
         (select pid from pg_stat_activity where backend_type = 'walreceiver' limit 1) as pid,
         r.sender_host as host, r.sender_port as port, r.status = 'streaming' as streaming, s.pid as startup,
         coalesce(s.wait_event = 'RecoveryRetrieveRetryInterval', false) as idle,
         coalesce(s.wait_event like 'RecoveryConflict%' or s.wait_event_type in ('Lock', 'BufferPin'), false) as blocked
    from (select 1) as one
    left join pg_stat_wal_receiver r on true
    left join pg_stat_activity s on s.backend_type = 'startup'`;

export const receiving = async (parts: Parts, budget: Budget): Promise<Receiving> => {
  const [row] = await parts.admin.rows(budget.part(1_000), RECEIVING);
  const number = (text: string | null | undefined): number | undefined =>
    text === null || text === undefined ? undefined : Number(text);
  return {
    pid: number(row?.['pid']),
    host: row?.['host'] ?? undefined,
    port: number(row?.['port']),
    streaming: row?.['streaming'] === 't',
    idle: row?.['idle'] === 't',
    blocked: row?.['blocked'] === 't',
    startup: number(row?.['startup']),
    applied: row?.['applied'] ?? undefined,
    recovering: row?.['recovering'] === 't',
  };
};

/**
 * Nothing is received and everything that was is replayed: no receiver is left and the startup process waits between two
 * attempts to find more log, which it does only after it has read its configuration and reached the end (A9, C5).
 */
export const untilIdle = async (parts: Parts, budget: Budget, within: number): Promise<boolean> =>
  (await budget.poll(20, within, async () => {
    const now = await receiving(parts, budget);
    return !now.recovering || (now.pid === undefined && now.idle) ? true : undefined;
  })) ?? false;
