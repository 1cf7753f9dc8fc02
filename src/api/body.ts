import type { FastifyRequest } from 'fastify';
import { AgentError } from '../core/errors.ts';
import { parseJson } from './json.ts';

/** A body of a type that a web page can send without asking first is refused; none at all is taken for JSON. */
class MediaTypeError extends AgentError {
  readonly statusCode = 415;
}

/** Parses the body of a request, as fastify's parser for every content type. */
export const parseBody = async (request: FastifyRequest, text: string | Buffer): Promise<unknown> => {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type))
    throw new MediaTypeError('usage', 'The body must be JSON.', {
      hint: "Send the header 'Content-Type: application/json'.",
    });
  const parsed = parseJson(text.toString());
  if (!parsed.ok) throw new AgentError('usage', `The body cannot be used: ${parsed.why}.`);
  return parsed.value;
};
