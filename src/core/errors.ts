/** One table of error codes: meaning, HTTP status, exit code of the command line. The reference page is made from it. */
export const ERRORS = {
  'config-invalid': {
    http: 400,
    exit: 2,
    meaning: 'A setting has an unknown name or a value that cannot be used; nothing was changed.',
  },
  usage: { http: 400, exit: 2, meaning: 'The command or request was not understood.' },
  unauthorized: { http: 401, exit: 1, meaning: 'The request needs credentials, or they are wrong.' },
  forbidden: {
    http: 403,
    exit: 1,
    meaning:
      'Requests that change something are not allowed here: from this address, page, or without credentials set.',
  },
  'too-many-attempts': { http: 429, exit: 1, meaning: 'Too many wrong credentials from this address; wait a minute.' },
  'schedule-invalid': {
    http: 422,
    exit: 2,
    meaning: 'The scheduled time cannot be read, has no time zone, or has passed.',
  },
  'not-found': { http: 404, exit: 1, meaning: 'There is no such path, member or intent.' },
  refused: {
    http: 412,
    exit: 1,
    meaning: 'The request cannot be carried out as the cluster is now; the reasons say why.',
  },
  conflict: { http: 409, exit: 1, meaning: 'Somebody else changed it first, or another operation is under way.' },
  'store-unavailable': { http: 503, exit: 1, meaning: 'etcd did not answer in time.' },
  unreachable: { http: 502, exit: 1, meaning: 'No agent of the cluster can be reached from here.' },
  'not-ready': { http: 503, exit: 1, meaning: 'The agent has not seen the cluster yet, or is closing.' },
  failed: { http: 500, exit: 1, meaning: 'It was tried and failed; the cluster is as before, or heals by itself.' },
  'timed-out': { http: 504, exit: 3, meaning: 'The result was not there before the deadline; it may still come.' },
  'name-taken': { http: 409, exit: 1, meaning: 'A living agent already uses this member name.' },
  'other-cluster': { http: 409, exit: 1, meaning: 'The data directory belongs to another cluster.' },
} as const satisfies Record<string, { http: number; exit: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** A failure that a user sees: what happened, to what, and what to do next. */
export class AgentError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: readonly string[];
  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string; readonly detail?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AgentError';
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail ?? [];
  }
}

/** A step could not be done. The message says what was tried, on what, what happened, what to do. */
export class StepError extends Error {
  readonly code: StepErrorCode;
  constructor(code: StepErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'StepError';
    this.code = code;
  }
}

export type StepErrorCode =
  | 'timed-out'
  | 'refused'
  | 'failed'
  | 'generation-mismatch'
  | 'cannot-rewind'
  | 'other-cluster'
  | 'wrong-password'
  | 'disk-full';
