import { z } from 'zod';
import { parseMemberName } from '../core/brand.ts';
import type { CandidateReport } from '../core/candidates.ts';

/** What an agent answers, checked before anything of it is shown: names and texts come from other hosts. */

/** Text for a terminal: what could move its cursor or reverse its text becomes a space. */
const text = z
  .string()
  .max(16_384)
  .transform((raw) => raw.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' '));

const tagValue = z.union([text, z.number(), z.boolean()]);

const member = z.object({
  name: text,
  role: z.enum(['leader', 'sync_standby', 'quorum_standby', 'replica']),
  state: text,
  api_url: text,
  host: text,
  port: z.number().int(),
  timeline: z.number().int(),
  pending_restart: z.literal(true).exactOptional(),
  scheduled_restart: z.object({ schedule: text }).exactOptional(),
  tags: z.record(text, tagValue),
  lsn: text.exactOptional(),
  lag: z.union([z.number(), z.literal('unknown')]),
});

export const clusterSchema = z.object({
  members: z.array(member),
  scope: text,
  pause: z.literal(true).exactOptional(),
  scheduled_switchover: z.object({ at: text, from: text.exactOptional(), to: text.exactOptional() }).exactOptional(),
});

const reason = z.object({ code: text, text, blocks: z.boolean() });

const candidateSchema = z
  .object({
    name: text,
    eligible: z.boolean(),
    rank: z.number().int().optional(),
    lag: z.number().optional(),
    reasons: z.array(reason),
  })
  .transform((written, context): CandidateReport => {
    const name = parseMemberName(written.name);
    if (name !== undefined) return { ...written, name, rank: written.rank, lag: written.lag };
    context.addIssue({ code: 'custom', message: 'is not a member name' });
    return z.NEVER;
  });

/** What `haagentctl why` shows. Without an agent there is no decision, only the candidates. */
export const whySchema = z.object({
  cluster: text,
  asked: text.exactOptional(),
  leader: text.exactOptional(),
  decision: z.object({ rule: text, why: text, reasons: z.array(text), since: text, next: text }).exactOptional(),
  store_trouble: text.exactOptional(),
  failsafe: z.object({ active_since: text.exactOptional(), refusals: z.array(text) }).exactOptional(),
  task: z.object({ name: text, since: text, detail: text }).exactOptional(),
  candidates: z.array(candidateSchema),
  problems: z.array(text),
});

export type WhyDocument = z.output<typeof whySchema>;

export const configVersionsSchema = z.array(
  z.object({
    number: z.number().int(),
    document: z.record(z.string(), z.unknown()),
    by: text,
    at: text,
    changes: z.array(text),
  }),
);

export const documentSchema = z.record(z.string(), z.unknown());

export const termsSchema = z.array(
  z.object({
    term: z.number(),
    member: text,
    instance: text,
    how: z.enum(['bootstrap', 'acquire', 'take-over', 're-acquire', 'hand-over', 'restart']),
    reason: text,
    at: text,
    generation: z.number().int(),
    ended: z.object({ generation: z.number().int(), offset: z.number().exactOptional(), text }).exactOptional(),
    loss: text.exactOptional(),
    dropped: z
      .array(z.object({ member: text, from: text, bytes: z.number(), commits: z.number().int(), folder: text }))
      .exactOptional(),
  }),
);

/** The part of `GET /status` that `haagentctl version` uses. */
export const statusMembersSchema = z.object({
  view: z
    .object({
      members: z.array(z.object({ name: text, api_url: text, version: text, server_version: text })),
    })
    .exactOptional(),
});

export const eventSchema = z.object({
  id: z.number(),
  at: text,
  event: text,
  level: text,
  message: text,
  fields: z.record(z.string(), z.unknown()),
});

export const resultSchema = z.object({
  result: z.enum(['done', 'scheduled', 'accepted', 'would-do']),
  message: text,
  data: z.unknown().exactOptional(),
});

export const problemSchema = z.object({
  code: z.string(),
  detail: text,
  hint: text.exactOptional(),
  details: z.array(text).exactOptional(),
  candidates: z.array(candidateSchema).exactOptional(),
});
