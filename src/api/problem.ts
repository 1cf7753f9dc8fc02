import type { CandidateReport } from '../core/candidates.ts';
import { AgentError, ERRORS, type ErrorCode } from '../core/errors.ts';

/** An error as RFC 9457 describes it (application/problem+json). `code` is the key of the error table. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly details?: readonly string[];
  readonly candidates?: readonly CandidateReport[];
}

export const PROBLEM_TYPE = 'application/problem+json';

/** Builds a problem from a code of the error table. `status` only where HTTP has a finer word than the table. */
export const problem = (
  code: ErrorCode,
  detail: string,
  more: {
    readonly status?: number;
    readonly hint?: string | undefined;
    readonly details?: readonly string[];
    readonly candidates?: readonly CandidateReport[] | undefined;
  } = {},
): Problem => ({
  type: `urn:haagent:error:${code}`,
  title: ERRORS[code].meaning,
  status: more.status ?? ERRORS[code].http,
  detail,
  code,
  ...(more.hint === undefined ? {} : { hint: more.hint }),
  ...(more.details === undefined || more.details.length === 0 ? {} : { details: more.details }),
  ...(more.candidates === undefined ? {} : { candidates: more.candidates }),
});

/** What an exception looks like outside. An unforeseen one shows no text of its own: it may hold anything. */
export const problemFrom = (error: unknown): Problem => {
  const status = httpStatusOf(error);
  if (error instanceof AgentError)
    return problem(error.code, error.message, {
      hint: error.hint,
      details: error.detail,
      ...(status === undefined ? {} : { status }),
    });
  if (status === 413) return problem('usage', 'The body is larger than this request may have.', { status });
  if (status !== undefined && status < 500 && error instanceof Error)
    return problem('usage', error.message, { status });
  return problem('failed', 'The agent failed to answer. Its log has the reason.');
};

const httpStatusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
