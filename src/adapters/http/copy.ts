import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { z } from 'zod';
import { StepError } from '../../core/errors.ts';
import { ms } from '../../core/brand.ts';
import { createHttpClient, type HttpClientOptions } from './client.ts';
import { isNonce, NONCE_HEADER, PROOF_HEADER, proofOf } from './proof.ts';

/** Not imported: an import reads every export, and so loads Node's WebSocket and fetch. */
const { request: httpRequest } = process.getBuiltinModule('node:http');

/** A donor that sends nothing for so long is taken for dead. */
const SILENCE = 120_000;
const challenge = z.object({ nonce: z.string().refine(isNonce) });

export interface CopyRequest {
  /** Base address of the donor's agent. */
  readonly url: string;
  readonly cluster: string;
  /** Password of the replication account. */
  readonly secret: string;
  readonly tls?: HttpClientOptions['tls'];
  readonly signal: AbortSignal;
}

/**
 * Asks an agent for a copy of its database and gives it piece by piece. Throws `StepError`, also in the middle: what came until
 * then is not a whole copy.
 */
export async function* fetchCopy(copy: CopyRequest): AsyncGenerator<Uint8Array> {
  const base = copy.url.replace(/\/+$/, '');
  const what = `asking the agent at ${base} for a copy`;
  const nonce = await ask(copy, base, what);
  const response = await begin(copy, `${base}/copy`, nonce, what);
  if (response.statusCode !== 200) {
    const code = response.statusCode === 401 ? 'wrong-password' : 'failed';
    throw new StepError(code, `${what}: HTTP ${response.statusCode}: ${await textOf(response)}`);
  }
  try {
    for await (const piece of response) yield piece;
  } catch (error) {
    copy.signal.throwIfAborted();
    throw new StepError('failed', `${what}: it broke off: ${messageOf(error)}`, { cause: error });
  }
}

const ask = async (copy: CopyRequest, base: string, what: string): Promise<string> => {
  const client = createHttpClient({ maxBytes: 10_000, ...(copy.tls === undefined ? {} : { tls: copy.tls }) });
  try {
    const answer = await client.request({
      method: 'GET',
      url: `${base}/copy/challenge`,
      timeout: ms(5_000),
      signal: copy.signal,
    });
    copy.signal.throwIfAborted();
    if (answer.kind === 'failed') throw new StepError('failed', `${what}: ${answer.why}`);
    if (answer.status !== 200)
      throw new StepError('failed', `${what}: HTTP ${answer.status}: ${answer.body.slice(0, 500)}`);
    return challenge.parse(JSON.parse(answer.body)).nonce;
  } finally {
    client.close();
  }
};

const begin = (copy: CopyRequest, url: string, nonce: string, what: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { [NONCE_HEADER]: nonce, [PROOF_HEADER]: proofOf(copy.secret, copy.cluster, nonce, 'copy') };
    const { ca, insecure } = copy.tls ?? {};
    const options = { headers, signal: copy.signal, agent: false } as const;
    const request: ClientRequest = url.startsWith('https:')
      ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }), rejectUnauthorized: insecure !== true })
      : httpRequest(url, options);
    request.setTimeout(SILENCE, () => request.destroy(new Error(`nothing came for ${SILENCE} ms`)));
    request.once('error', (error) =>
      reject(
        copy.signal.aborted
          ? copy.signal.reason
          : new StepError('failed', `${what}: ${messageOf(error)}`, { cause: error }),
      ),
    );
    request.once('response', resolve);
    request.end();
  });

const textOf = async (response: IncomingMessage): Promise<string> => {
  const pieces: string[] = [];
  response.setEncoding('utf8');
  for await (const piece of response) if (pieces.length < 20) pieces.push(String(piece));
  return pieces.join('').slice(0, 500);
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
