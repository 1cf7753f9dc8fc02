import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { ms, parseInstanceId, parseMemberName, revision, termOf } from '../../core/brand.ts';
import type { PromiseRequest } from '../../core/promise.ts';
import { LONGEST_TTL } from '../../core/timing.ts';
import { isNonce } from './proof.ts';

/**
 * How a leader asks for a promise over HTTP (`POST /failsafe`), and how both sides prove that they know the members' secret.
 * A question is bound to cluster, term and nonce, an answer to the question's nonce: neither can be used twice.
 */

export interface PromiseQuestion extends PromiseRequest {
  readonly nonce: string;
}

const schema = z.strictObject({
  v: z.literal(1),
  cluster: z.string().max(200),
  from: z.string(),
  instance: z.string(),
  term: z.string().regex(/^[1-9][0-9]{0,18}$/),
  ttl_ms: z.int().min(1).max(LONGEST_TTL),
  nonce: z.string(),
});

export const questionBody = (cluster: string, { from, instance, term, ttl, nonce }: PromiseQuestion): string =>
  JSON.stringify({ v: 1, cluster, from, instance, term: String(term), ttl_ms: ttl, nonce } satisfies z.input<
    typeof schema
  >);

/** Checks and types a question of this cluster; undefined for anything else. */
export const parseQuestion = (cluster: string, raw: unknown): PromiseQuestion | undefined => {
  const parsed = schema.safeParse(raw);
  if (!parsed.success || parsed.data.cluster !== cluster || !isNonce(parsed.data.nonce)) return undefined;
  const { from, instance, term, ttl_ms, nonce } = parsed.data;
  const [name, life] = [parseMemberName(from), parseInstanceId(instance)];
  if (name === undefined || life === undefined) return undefined;
  return { from: name, instance: life, term: termOf(revision(BigInt(term))), ttl: ms(ttl_ms), nonce };
};

const answerSchema = z.union([
  z.strictObject({ promised: z.literal(true) }),
  z.strictObject({ promised: z.literal(false), why: z.string().max(1_000) }),
]);

export type WireAnswer = z.output<typeof answerSchema>;

export const parseAnswer = (body: string): WireAnswer | undefined => {
  try {
    return answerSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
};

/** HMAC-SHA256 over what is asked, by who asks. */
export const questionProof = (secret: string, cluster: string, question: PromiseQuestion): string =>
  createHmac('sha256', secret)
    .update(`haagent-promise-question\n${questionBody(cluster, question)}`)
    .digest('base64url');

/** HMAC-SHA256 over the answer to one question. */
export const answerProof = (secret: string, cluster: string, nonce: string, body: string): string =>
  createHmac('sha256', secret).update(`haagent-promise-answer\n${cluster}\n${nonce}\n${body}`).digest('base64url');
