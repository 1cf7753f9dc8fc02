import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentStatus } from '../core/status.ts';
import type { Clock } from '../ports/clock.ts';
import { NO_LIMITS, parseHealthQuery } from './health-query.ts';
import { healthChecks } from './health.ts';
import type { Rendered } from './rendered.ts';

export interface HealthDeps {
  readonly status: () => AgentStatus | undefined;
  readonly clock: Clock;
  readonly render: (status: AgentStatus) => Rendered;
  readonly writeLag: (status: AgentStatus) => number | undefined;
}

const NO_BODY = Buffer.from('{"state":"starting","role":"uninitialized"}');

/**
 * Answers health requests straight from node's server, before the framework looks at them: load balancers ask many times
 * a second, and the answer needs a map look-up, a comparison of clocks and a text that is already written.
 * Returns whether the request was one. HEAD and OPTIONS get a status line only, whatever the protocol version.
 */
export const createHealthHandler = (deps: HealthDeps): ((req: IncomingMessage, res: ServerResponse) => boolean) => {
  const checks = healthChecks(deps.clock.now(), deps.writeLag);
  return (req, res) => {
    const { method, url = '/' } = req;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return false;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const check = checks.get(path) ?? (path.endsWith('/') ? checks.get(path.slice(0, -1)) : undefined);
    if (check === undefined) return false;
    const status = deps.status();
    const query = mark < 0 ? NO_LIMITS : parseHealthQuery(url.slice(mark + 1));
    const verdict = check(status, deps.clock.now(), query);
    const body = method === 'GET' ? (status === undefined ? NO_BODY : deps.render(status).patroni) : undefined;
    const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
    if (method !== 'HEAD') headers.push('Content-Length', String(body?.length ?? 0));
    if (verdict.code === 503) headers.push('X-Haagent-Why', verdict.why);
    res.writeHead(verdict.code, headers);
    res.end(body);
    return true;
  };
};
