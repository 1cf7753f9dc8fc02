import { z } from 'zod';
import { parseLsn, type Lsn } from './lsn.ts';

/**
 * Sessions on a replica that keep replay waiting: holders of an old snapshot, of a lock, or of a pinned page.
 * (`pg_blocking_pids` does not know the startup process: it answers nothing of it. Measured on 15.)
 */
export const BLOCKERS = `
  select b.pid, b.backend_xmin
    from pg_stat_activity s
    join pg_stat_activity b on b.backend_type = 'client backend' and b.pid <> pg_backend_pid()
   where s.backend_type = 'startup'
     and case
           when s.wait_event like 'RecoveryConflict%' then b.backend_xmin is not null
           when s.wait_event_type = 'Lock' then b.pid in (
             select held.pid from pg_locks wanted join pg_locks held
                 on held.granted and held.locktype = wanted.locktype
                and held.database is not distinct from wanted.database
                and held.relation is not distinct from wanted.relation
              where wanted.pid = s.pid and not wanted.granted)
           when s.wait_event_type = 'BufferPin' then b.state in ('active', 'idle in transaction')
           else false
         end`;

/** Everything about a running server that changes from second to second, in one round trip. */
export const RUNNING = `
  with r as materialized (select pg_is_in_recovery() as rec)
  select json_build_object(
    'recovering', rec,
    'readOnly', current_setting('transaction_read_only') = 'on',
    'systemId', (select system_identifier::text from pg_control_system()),
    'checkpointTimeline', (select timeline_id from pg_control_checkpoint()),
    'startedAt', floor(extract(epoch from pg_postmaster_start_time()) * 1000),
    'version', current_setting('server_version'),
    'standbyNames', current_setting('synchronous_standby_names'),
    'waiting', (select count(*) from pg_stat_activity where wait_event = 'SyncRep'),
    'primary', case when not rec then json_build_object(
      'lsn', pg_current_wal_lsn(), 'file', pg_walfile_name(pg_current_wal_lsn())) end,
    'replica', case when rec then json_build_object(
      'received', pg_last_wal_receive_lsn(),
      'applied', pg_last_wal_replay_lsn(),
      'delayMs', floor(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000),
      'paused', pg_is_wal_replay_paused(),
      'following', current_setting('primary_conninfo') <> '',
      'receiverPid', (select pid from pg_stat_activity where backend_type = 'walreceiver' limit 1),
      'receiver', (select json_build_object('pid', pid, 'status', status, 'timeline', received_tli,
          'heard', last_msg_receipt_time,
          'agoMs', extract(epoch from clock_timestamp() - last_msg_receipt_time) * 1000) from pg_stat_wal_receiver),
      'blockers', (select count(*) from (${BLOCKERS}) as blockers)) end,
    'replicas', (select coalesce(json_agg(json_build_object(
        'name', application_name, 'pid', pid, 'flushed', flush_lsn, 'replied', reply_time, 'address', host(client_addr), 'state', state,
        'sync', sync_state, 'priority', sync_priority,
        'lag', pg_wal_lsn_diff(case when rec then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, replay_lsn))
        order by application_name, pid), '[]')
      from pg_stat_replication where state is not null and application_name <> 'haagent'),
    'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'restart', restart_lsn)), '[]')
      from pg_replication_slots)
  )::text as view from r`;

const lsn = z.string().transform((text, context): Lsn => {
  const found = parseLsn(text);
  if (found !== undefined) return found;
  context.addIssue({ code: 'custom', message: 'not a log position' });
  return z.NEVER;
});

const schema = z.object({
  recovering: z.boolean(),
  readOnly: z.boolean(),
  systemId: z.string(),
  checkpointTimeline: z.number(),
  startedAt: z.number(),
  version: z.string(),
  standbyNames: z.string(),
  waiting: z.number(),
  primary: z.object({ lsn, file: z.string() }).nullable(),
  replica: z
    .object({
      received: lsn.nullable(),
      applied: lsn.nullable(),
      delayMs: z.number().nullable(),
      paused: z.boolean(),
      following: z.boolean(),
      receiverPid: z.number().nullable(),
      receiver: z
        .object({
          pid: z.number().nullable(),
          status: z.string().nullable(),
          timeline: z.number().nullable(),
          heard: z.string().nullable(),
          agoMs: z.number().nullable(),
        })
        .nullable(),
      blockers: z.number(),
    })
    .nullable(),
  replicas: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      flushed: lsn.nullable(),
      replied: z.string().nullable(),
      address: z.string().nullable(),
      state: z.string(),
      sync: z.string().nullable(),
      priority: z.number().nullable(),
      lag: z.number().nullable(),
    }),
  ),
  slots: z.array(z.object({ name: z.string(), restart: z.string().nullable() })),
});

export type RunningAnswer = z.infer<typeof schema>;

export const parseRunning = (text: string | null | undefined): RunningAnswer =>
  schema.parse(JSON.parse(text ?? 'null'));
