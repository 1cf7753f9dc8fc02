import { z } from 'zod';
import {
  leaseId,
  ms,
  parseInstanceId,
  parseMemberName,
  revision,
  revisionOf,
  termOf,
  type Term,
} from '../core/brand.ts';
import { LONGEST_TTL, SHORTEST_TTL } from '../core/timing.ts';

/** The fields that values in etcd are made of. Each refuses what could not have been written by an agent. */

/** Made of a parser that gives `undefined` for what it refuses. */
const parsed = <T>(parse: (text: string) => T | undefined, what: string): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `is not ${what}` });
    return z.NEVER;
  });

const matching = (pattern: RegExp, what: string): z.ZodType<string, string> =>
  parsed((text) => (pattern.test(text) ? text : undefined), what);

export const memberName = parsed(parseMemberName, 'a member name');
export const instanceId = parsed(parseInstanceId, 'an instance id');
/** `name~instance`: what counts as a voter (rule D12). */
export const voter = matching(/^[a-z0-9][a-z0-9_-]{0,62}~[a-z0-9]{4,32}$/, 'a member~instance');
export const lease = matching(/^[1-9]\d{0,18}$/, 'a lease id').transform(leaseId);
export const identifier = matching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'an identifier');
/** One printable line without surprises: versions, slot positions. */
export const line = matching(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]{0,4096}$/u, 'a line of printable text');
export const host = matching(/^[A-Za-z0-9_.:[\]-]{1,255}$/, 'a host name or address');
export const url = matching(/^https?:\/\/[^\s\p{Cc}]{1,500}$/u, 'an http or https address');
export const isoTime = matching(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/,
  'an ISO 8601 time with a time zone',
);

/** Text for people. What could move a terminal's cursor or reverse its text becomes a space. */
export const text = z
  .string()
  .max(16_384)
  .transform((raw) => raw.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' '));

export const count = z.int().min(0);
export const generation = z.int().min(0).max(0xffff_ffff);
export const port = z.int().min(1).max(65_535);
/** Milliseconds since 1970 that a Date can hold. */
export const wallTime = z.int().min(0).max(8_640_000_000_000_000);
/** A right of a length that no configuration permits is not believed. */
export const ttl = z.int().min(SHORTEST_TTL).max(LONGEST_TTL).transform(ms);
export const termNumber = z
  .int()
  .min(1)
  .transform((number): Term => termOf(revision(BigInt(number))));
/** A few named lines: slots, tags. */
export const lines = z
  .record(z.string().max(128), line)
  .refine((record) => Object.keys(record).length <= 1_000, 'has more than 1000 entries');

/** A term as a JSON number: exact, since etcd would need 285 years of a million writes a second to pass 2^53. */
export const termToNumber = (term: Term): number => Number(revisionOf(term));
