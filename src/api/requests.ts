import { z } from 'zod';
import { parseMemberName, type MemberName } from '../core/brand.ts';

/** The bodies of requests that change something: Patroni's fields where it has them, and `wait`, `dry_run`, `timeout`. */

const memberName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a member name has lower case letters, digits, _ and -')
  .transform((text, context): MemberName => {
    const name = parseMemberName(text);
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: 'not a member name' });
    return z.NEVER;
  })
  .describe('Name of a member.');

const schedule = z
  .string()
  .max(64)
  .describe('When to do it: ISO 8601 with a time zone, as in 2026-01-31T04:00:00+01:00.');

const seconds = z
  .union([z.number().positive().max(3600), z.string().regex(/^\d{1,4}$/, 'a number of seconds')])
  .transform(Number)
  .describe('How long to wait for the outcome, in seconds. Default 60.');

const common = {
  wait: z.boolean().optional().describe('Answer when it is done (200), not when it is recorded (202).'),
  dry_run: z.boolean().optional().describe('Say what would be done and why not; change nothing.'),
  timeout: seconds.optional(),
};

export const switchoverBody = z.strictObject({
  leader: memberName.optional(),
  candidate: memberName.optional(),
  member: memberName.optional().describe('The same as candidate.'),
  scheduled_at: schedule.optional(),
  ...common,
});

export const failoverBody = z.strictObject({
  leader: memberName.optional().describe('When given, a switchover is done.'),
  candidate: memberName.optional(),
  member: memberName.optional().describe('The same as candidate.'),
  scheduled_at: schedule.optional().describe('Refused: a failover cannot be scheduled.'),
  allow_data_loss: z.boolean().optional().describe('Promote although acknowledged writes may be lost.'),
  ...common,
});

export const restartBody = z.strictObject({
  member: memberName.optional().describe('Default: the member that is asked.'),
  schedule: schedule.optional(),
  role: z.enum(['primary', 'standby_leader', 'replica']).optional().describe('Only when it has this role now.'),
  postgres_version: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){0,2}$/, 'a version such as 15.8')
    .optional()
    .describe('Only when the server is older than this version.'),
  restart_pending: z.boolean().optional().describe('Only when a changed setting waits for a restart.'),
  ...common,
});

export const reinitializeBody = z.strictObject({
  member: memberName.optional().describe('Default: the member that is asked.'),
  force: z.boolean().optional().describe('Also when another reinitialization of this member is recorded.'),
  from_leader: z.boolean().optional().describe('Copy from the leader, not from a replica.'),
  ...common,
});

export const cancelBody = z.strictObject({
  member: memberName.optional().describe('Default: the member that is asked.'),
  dry_run: common.dry_run,
});

export const plainBody = z.strictObject(common);

export const configBody = z.record(z.string().max(256), z.unknown());

const flag = z.enum(['true', 'false', '1', '0', '']).transform((text) => text !== 'false' && text !== '0');

/** The same wishes behind the `?`, for every request; needed for `/config`, whose body is the configuration itself. */
export const commonQuery = z.object({
  wait: flag.optional(),
  dry_run: flag.optional(),
  timeout: seconds.optional(),
});

/** Patroni answers a change of the configuration with the whole new one; `result` asks for our form, with the changes. */
export const configQuery = z.object({ result: flag.default(false) });

export const whyQuery = z.object({ member: memberName.optional() });

export type Common = z.output<typeof plainBody>;
