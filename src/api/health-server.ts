import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HealthAnswers } from './health-answers.ts';

/**
 * Answers health requests straight from node's server, before the framework looks at them. Returns whether the request was
 * one. HEAD and OPTIONS get a status line only, whatever the protocol version.
 */
export const createHealthHandler =
  (answers: HealthAnswers): ((req: IncomingMessage, res: ServerResponse) => boolean) =>
  ({ method, url = '/' }, res) => {
    const answer = answers(method, url);
    if (answer === undefined) return false;
    const { code, why, body } = answer;
    const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
    if (method !== 'HEAD') headers.push('Content-Length', String(body?.length ?? 0));
    if (why !== undefined) headers.push('X-Haagent-Why', why);
    res.writeHead(code, headers);
    res.end(body);
    return true;
  };
