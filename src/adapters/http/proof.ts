import { createHmac, timingSafeEqual } from 'node:crypto';

/** The asker sends this; the answerer proves that it knows the members' shared secret and answers just this question. */
export const NONCE_HEADER = 'x-haagent-nonce';
export const PROOF_HEADER = 'x-haagent-proof';

const NONCE = /^[A-Za-z0-9_-]{16,64}$/;

export const isNonce = (text: unknown): text is string => typeof text === 'string' && NONCE.test(text);

/** HMAC-SHA256 over cluster, nonce and body: an answer of another cluster, another time or another text does not fit. */
export const proofOf = (secret: string, cluster: string, nonce: string, body: string): string =>
  createHmac('sha256', secret)
    .update(`haagent-status\n${cluster}\n${nonce}\n`)
    .update(body, 'utf8')
    .digest('base64url');

/** Compares in constant time. */
export const proofFits = (given: string, wanted: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
};
