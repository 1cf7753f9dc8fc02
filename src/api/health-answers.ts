import type { AgentStatus } from '../core/status.ts';
import type { Clock } from '../ports/clock.ts';
import { NO_LIMITS, parseHealthQuery, type HealthQuery } from './health-query.ts';
import { healthChecks } from './health.ts';
import type { Rendered } from './rendered.ts';

export interface HealthDeps {
  readonly status: () => AgentStatus | undefined;
  readonly clock: Clock;
  readonly render: (status: AgentStatus) => Rendered;
  readonly writeLag: (status: AgentStatus) => number | undefined;
}

export interface HealthAnswer {
  readonly code: 200 | 503;
  /** The first thing that keeps the answer from being 200; printable ASCII. */
  readonly why: string | undefined;
  /** JSON, for GET only. */
  readonly body: Buffer | undefined;
}

/** Answers a request by method and address; `undefined` when it is no health request. */
export type HealthAnswers = (method: string | undefined, url: string) => HealthAnswer | undefined;

const NO_BODY = Buffer.from('{"state":"starting","role":"uninitialized"}');
/** A load balancer asks with the same limits for ever. */
const KEPT_QUERIES = 64;

/**
 * Health answers from memory: load balancers ask many times a second, and what it takes is a look at a map, a comparison of
 * clocks and a text that is already written.
 */
export const createHealthAnswers = (deps: HealthDeps): HealthAnswers => {
  const checks = healthChecks(deps.clock.now(), deps.writeLag);
  const queries = new Map<string, HealthQuery>();

  const queryOf = (search: string): HealthQuery => {
    const known = queries.get(search);
    if (known !== undefined) return known;
    if (queries.size >= KEPT_QUERIES) queries.clear();
    const parsed = parseHealthQuery(search);
    queries.set(search, parsed);
    return parsed;
  };

  return (method, url) => {
    if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return undefined;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const check = checks.get(path) ?? (path.endsWith('/') ? checks.get(path.slice(0, -1)) : undefined);
    if (check === undefined) return undefined;
    const status = deps.status();
    const verdict = check(status, deps.clock.now(), mark < 0 ? NO_LIMITS : queryOf(url.slice(mark + 1)));
    return {
      code: verdict.code,
      why: verdict.code === 503 ? verdict.why.replace(/[^\x20-\x7e]/g, '?') : undefined,
      body: method === 'GET' ? (status === undefined ? NO_BODY : deps.render(status).patroni) : undefined,
    };
  };
};
