import { BlockList, isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AgentError } from '../core/errors.ts';
import { createCredentialCheck } from './credentials.ts';
import type { ApiDeps } from './deps.ts';
import { problem } from './problem.ts';
import { sendProblem } from './respond.ts';

/**
 * Lets a request that changes something through, or answers it. In this order: configured at all, address, web page
 * (a browser sends Origin; no page of another site may speak to this API), client certificate, credentials.
 */
export const createControlGuard = (
  deps: ApiDeps,
): ((request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>) => {
  const { credentials, tls } = deps.options;
  const check = credentials === undefined ? undefined : createCredentialCheck(credentials, deps.clock);
  const allowed = networks(deps.options.allowFrom ?? []);

  return async (request, reply) => {
    const address = request.ip;
    const refuse = (why: string, hint: string): FastifyReply => {
      deps.log.warn('api.refused', why, { method: request.method, path: request.url.split('?')[0], address });
      return sendProblem(reply, problem('forbidden', why, { hint }));
    };
    if (
      allowed !== undefined &&
      !allowed.check(plainAddress(address), isIP(plainAddress(address)) === 6 ? 'ipv6' : 'ipv4')
    )
      return refuse(
        `Requests from ${address} may not change anything here.`,
        'See api.allow_from in the configuration.',
      );
    if (request.headers.origin !== undefined)
      return refuse('Requests sent by a web page are not served.', 'Use haagentctl, curl or a program.');
    if (tls !== undefined && tls.verifyClient !== 'none' && !hasCertificate(request))
      return refuse('A client certificate is needed to change something.', 'See api.tls.verify_client.');
    if (check === undefined)
      return refuse(
        'This agent has no API credentials configured, so nothing can be changed through it.',
        'Set api.control.username and api.control.password on every member and reload.',
      );
    const admission = check(request.headers.authorization, address);
    if (admission === 'admitted') return undefined;
    deps.log.warn('api.unauthorized', 'A request without the right credentials was refused.', { address, admission });
    if (admission === 'limited')
      return sendProblem(
        reply.header('retry-after', '60'),
        problem('too-many-attempts', `Too many wrong credentials came from ${address}.`, { hint: 'Wait a minute.' }),
      );
    const detail = admission === 'missing' ? 'The request has no credentials.' : 'The credentials are wrong.';
    return sendProblem(
      reply.header('www-authenticate', 'Basic realm="haagent", charset="UTF-8"'),
      problem('unauthorized', detail, { hint: 'Send the username and password of the section api.control.' }),
    );
  };
};

const hasCertificate = (request: FastifyRequest): boolean =>
  request.raw.socket instanceof TLSSocket && request.raw.socket.authorized;

/** `::ffff:10.0.0.1` is how a socket that takes both families names 10.0.0.1. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const networks = (texts: readonly string[]): BlockList | undefined => {
  if (texts.length === 0) return undefined;
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits);
    if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 6 ? 128 : 32))
      throw new AgentError('config-invalid', `api.allow_from: "${text}" is not an address or network.`, {
        hint: 'Write it like 10.0.0.5, 10.0.0.0/8 or fd00::/8.',
      });
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
};
