import { z } from 'zod';
import { duration, matching, parameterValue, size } from './fields.ts';
import { accessRuleFault, parameterFault } from './parameters.ts';

/** The dynamic configuration as operators write it: shared by all members, kept in etcd, every field optional. */

const slotName = /^[a-z0-9_]{1,63}$/;

const slot = z
  .strictObject({
    type: z.enum(['physical', 'logical']).meta({ description: 'Kind of the slot.' }),
    database: z.string().min(1).max(63).optional().meta({ description: 'Database of a logical slot.' }),
    plugin: matching(/^[A-Za-z0-9_]{1,63}$/, 'name', 'the plain name of an output plugin')
      .optional()
      .meta({ description: 'Output plugin of a logical slot.' }),
  })
  .superRefine((value, context) => {
    const complete = value.database !== undefined && value.plugin !== undefined;
    if (value.type === 'logical' && !complete)
      context.addIssue({ code: 'custom', message: 'database and plugin besides type: logical' });
    if (value.type === 'physical' && (value.database !== undefined || value.plugin !== undefined))
      context.addIssue({ code: 'custom', message: 'neither database nor plugin besides type: physical' });
  });

const timing = z.strictObject({
  heartbeat_interval: duration('100ms', '20s')
    .optional()
    .meta({ shown: '2s', description: 'How often the leader proves itself with a transaction in etcd.' }),
  call_timeout: duration('50ms', '20s')
    .optional()
    .meta({ shown: '1.5s', description: 'Deadline of one call to etcd.' }),
  fence_budget: duration('100ms', '20s')
    .optional()
    .meta({ shown: '2s', description: 'How long a fence may take; it begins this long before the deadline.' }),
  margin: duration('10ms', '10s')
    .optional()
    .meta({ shown: '500ms', description: 'Kept free for the resolution of clocks and timers.' }),
  drift: z
    .number()
    .min(0)
    .max(0.05)
    .optional()
    .meta({ shown: '0.001', description: "Largest assumed error of a host clock's rate." }),
});

const replication = z.strictObject({
  mode: z.enum(['async', 'sync', 'quorum']).optional().meta({
    shown: 'async',
    description:
      'Whether a commit waits for replicas: `async`, it does not; `quorum`, for any `acks` of all voters; `sync`, for `acks` named ones.',
  }),
  acks: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ shown: '1', description: 'How many replicas must acknowledge each commit (sync and quorum).' }),
  strict: z.boolean().optional().meta({
    shown: 'false',
    description: 'Rather block writes than run with fewer acknowledgements.',
  }),
  max_lag_on_failover: size('1TB').optional().meta({
    shown: '1MB',
    description: "What a new leader may lack of the last leader's published position.",
  }),
  max_lag_on_voter: size('1TB').optional().meta({
    shown: '16MB',
    description: 'What a replica may lack of the leader when it becomes a voter (sync and quorum).',
  }),
  suspect_after: duration('500ms', '30s').optional().meta({
    shown: '1.5s',
    description: 'How long a replica hears nothing of the leader before it suspects it (sync and quorum).',
  }),
});

export const settingsSchema = z.strictObject({
  ttl: duration('3s', '60s').optional().meta({
    shown: '10s',
    description:
      "How long a leader's right lasts without proof. The other times scale with a smaller ttl unless they are set.",
  }),
  timing: timing.optional().meta({ description: 'The times below the ttl.' }),
  replication: replication.optional().meta({ description: 'How commits are made durable.' }),
  on_crash: z.enum(['auto', 'restart', 'failover']).optional().meta({
    shown: 'auto',
    description:
      "After a crash of the leader's database: decide by what is quicker and loses nothing, or always the same.",
  }),
  crash_restart_timeout: duration('0s', '1d').optional().meta({
    shown: '1min',
    description: 'How long a crashed database may take to come back in place before a failover.',
  }),
  failsafe: z.boolean().optional().meta({
    shown: 'true',
    description:
      'A leader that loses etcd goes on while every other member promises, asked directly, not to lead. Needs api.peers_secret.',
  }),
  pause: z.boolean().optional().meta({
    shown: 'false',
    description: 'Hands off: no automatic promotion, demotion, start or stop.',
  }),
  slot_retention: duration('0s', '30d').optional().meta({
    shown: '1h',
    description: 'How long the replication slot of a member that is gone is kept.',
  }),
  parameters: z
    .record(z.string(), parameterValue)
    .superRefine((values, context) => {
      for (const [name, value] of Object.entries(values)) {
        const fault = parameterFault(name, value);
        if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault });
      }
    })
    .optional()
    .meta({ kind: 'names and values', shown: '{}', description: 'Database parameters for all members.' }),
  access_rules: z
    .array(
      z.string().superRefine((line, context) => {
        const fault = accessRuleFault(line);
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
      }),
    )
    .max(1_000)
    .optional()
    .meta({
      kind: 'list of lines',
      shown: '[]',
      description: 'Lines of pg_hba.conf, after those that the agents need. Empty: the rules of the local files.',
    }),
  slots: z
    .record(z.string(), slot)
    .superRefine((slots, context) => {
      for (const name of Object.keys(slots))
        if (!slotName.test(name))
          context.addIssue({ code: 'custom', path: [name], message: 'a slot name: lower case letters, digits and _' });
    })
    .optional()
    .meta({ kind: 'names and slots', shown: '{}', description: 'Permanent replication slots on the leader.' }),
});

export type WrittenSettings = z.output<typeof settingsSchema>;

/** What other tools call these settings. */
export const OTHER_SETTING_NAMES: ReadonlyMap<string, string> = new Map([
  ['loop_wait', 'timing.heartbeat_interval'],
  ['retry_timeout', 'timing.call_timeout'],
  ['maximum_lag_on_failover', 'replication.max_lag_on_failover'],
  ['synchronous_mode', 'replication.mode'],
  ['synchronous_mode_strict', 'replication.strict'],
  ['synchronous_node_count', 'replication.acks'],
  ['primary_start_timeout', 'crash_restart_timeout'],
  ['master_start_timeout', 'crash_restart_timeout'],
  ['member_slots_ttl', 'slot_retention'],
  ['permanent_slots', 'slots'],
  ['failsafe_mode', 'failsafe'],
  ['postgresql', 'parameters and access_rules'],
  ['pg_hba', 'access_rules'],
  ['heartbeat_interval', 'timing.heartbeat_interval'],
  ['call_timeout', 'timing.call_timeout'],
  ['max_lag_on_failover', 'replication.max_lag_on_failover'],
]);
