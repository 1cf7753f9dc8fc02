import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { isNonce, NONCE_HEADER, PROOF_HEADER, proofFits, proofOf } from '../adapters/http/proof.ts';
import { elapsedAtLeast, type Instant } from '../core/instant.ts';
import type { ApiDeps } from './deps.ts';
import { problem } from './problem.ts';
import { sendProblem } from './respond.ts';

/** How long a question may be answered. */
const NONCE_LASTS = 30_000;
const MOST_NONCES = 64;
/** Copies that are sent at once: each reads the whole of the data. */
const MOST_COPIES = 2;

/**
 * The copy of the own database for a member that clones from this one. Whoever asks proves, without sending it, that it knows
 * the password of the replication account, which every member has; each proof is good for one copy.
 */
export const copyRoutes = (app: FastifyInstance, deps: ApiDeps, closing: AbortSignal): void => {
  const { copies, clock, log } = deps;
  if (copies === undefined) return;
  const asked = new Map<string, Instant>();
  let sending = 0;

  app.get('/copy/challenge', (_request, reply) => {
    for (const [nonce, at] of asked) if (elapsedAtLeast(at, clock.now()) > NONCE_LASTS) asked.delete(nonce);
    const oldest = asked.keys().next();
    if (asked.size >= MOST_NONCES && oldest.done !== true) asked.delete(oldest.value);
    const nonce = randomBytes(18).toString('base64url');
    asked.set(nonce, clock.now());
    return reply.header('cache-control', 'no-store').send({ nonce });
  });

  app.get('/copy', (request, reply) => {
    const nonce = request.headers[NONCE_HEADER];
    const proof = request.headers[PROOF_HEADER];
    const at = isNonce(nonce) ? asked.get(nonce) : undefined;
    if (isNonce(nonce)) asked.delete(nonce);
    const fits =
      isNonce(nonce) &&
      at !== undefined &&
      elapsedAtLeast(at, clock.now()) <= NONCE_LASTS &&
      typeof proof === 'string' &&
      proofFits(proof, proofOf(copies.secret, copies.cluster, nonce, 'copy'));
    if (!fits)
      return sendProblem(
        reply,
        problem('unauthorized', 'The proof of the replication password is missing, late or wrong.'),
      );
    if (sending >= MOST_COPIES)
      return sendProblem(reply, problem('conflict', `${MOST_COPIES} copies are being sent already; try again later.`));
    sending += 1;
    const ended = new AbortController();
    const abort = (): void => ended.abort(new Error('the copy is not wanted any more'));
    closing.addEventListener('abort', abort, { once: true });
    const stream = Readable.from(copies.open(ended.signal), { objectMode: false });
    stream.once('error', (error) => log.warn('copy.failed', 'a copy could not be sent', { reason: error.message }));
    stream.once('close', () => {
      sending -= 1;
      closing.removeEventListener('abort', abort);
      abort();
    });
    return reply.header('cache-control', 'no-store').type('application/octet-stream').send(stream);
  });
};
