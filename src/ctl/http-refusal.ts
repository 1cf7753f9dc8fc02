import type { HttpOutcome } from '../adapters/http/client.ts';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import type { Refused } from '../ports/operations.ts';
import { problemSchema } from './documents.ts';

/** What speaks against an answer: nothing came, or a problem (RFC 9457). Undefined when it is one of the 200s. */
export const refusalOf = (outcome: HttpOutcome, agent: string): Refused | undefined => {
  if (outcome.kind === 'failed') return unreachable(agent, outcome.why);
  if (outcome.status >= 200 && outcome.status < 300) return undefined;
  return (
    problemIn(outcome.body) ?? {
      kind: 'refused',
      code: 'failed',
      message: `${agent} answered with HTTP ${outcome.status}.`,
      hint: 'Is it the API of an agent?',
    }
  );
};

export const unreachable = (agent: string, why: string): Refused => ({
  kind: 'refused',
  code: 'unreachable',
  message: `The agent at ${agent} cannot be asked: ${why}.`,
  hint: 'Name another one with --agent, or go through etcd with --etcd or a configuration file.',
});

const problemIn = (body: string): Refused | undefined => {
  try {
    const parsed = problemSchema.safeParse(JSON.parse(body));
    if (!parsed.success) return undefined;
    const { code, detail, hint, details, candidates } = parsed.data;
    return {
      kind: 'refused',
      code: isErrorCode(code) ? code : 'failed',
      message: detail,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
      ...(candidates === undefined ? {} : { candidates }),
    };
  } catch {
    return undefined;
  }
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);
