import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Ms } from '../../core/brand.ts';

/** Not imported: an import reads every export, and so loads Node's WebSocket and fetch, 13 MiB that nothing uses. */
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

/** An HTTP client for the agents' API: keeps connections, ends by its deadline, limits what it reads, never throws. */
export interface HttpClient {
  request(call: HttpCall): Promise<HttpOutcome>;
  /** Gives the body piece by piece until the server ends it, the signal aborts, or nothing came for `timeout`. */
  stream(call: HttpCall, onText: (text: string) => void): Promise<HttpOutcome>;
  /** Closes kept connections. Can be called twice. */
  close(): void;
}

interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PATCH' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeout: Ms;
  readonly signal: AbortSignal;
}

export type HttpOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'failed'; readonly why: string; readonly code: 'refused' | 'timeout' | 'aborted' | 'other' };

export interface HttpClientOptions {
  /** Most bytes of an answer. */
  readonly maxBytes: number;
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    /** Does not check the server's certificate: for tests and first set-up only. */
    readonly insecure?: boolean;
  };
}

export const createHttpClient = (options: HttpClientOptions): HttpClient => {
  const kept = { keepAlive: true, maxSockets: 16, maxFreeSockets: 4, timeout: 60_000 };
  const { insecure, ...files } = options.tls ?? {};
  const http = new HttpAgent(kept);
  const https = new HttpsAgent({ ...kept, ...files, rejectUnauthorized: insecure !== true });

  const open = (call: HttpCall): ClientRequest => {
    const url = new URL(call.url);
    const headers = {
      ...call.headers,
      ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
    };
    return url.protocol === 'https:'
      ? httpsRequest(url, { method: call.method, headers, agent: https })
      : httpRequest(url, { method: call.method, headers, agent: http });
  };

  const once = (
    call: HttpCall,
    onText: ((text: string) => void) | undefined,
  ): Promise<HttpOutcome & { stale?: boolean }> =>
    new Promise((resolve) => {
      if (call.signal.aborted) return resolve({ kind: 'failed', why: 'was cancelled', code: 'aborted' });
      let request: ClientRequest;
      try {
        request = open(call);
      } catch (error) {
        return resolve({ kind: 'failed', why: textOf(error), code: 'other' });
      }
      let timer = setTimeout(expire, call.timeout);
      function expire(): void {
        finish({ kind: 'failed', why: `did not answer within ${call.timeout} ms`, code: 'timeout' });
      }
      const abort = (): void => finish({ kind: 'failed', why: 'was cancelled', code: 'aborted' });
      let finished = false;
      const finish = (outcome: HttpOutcome & { stale?: boolean }): void => {
        if (finished) return;
        finished = true;
        clearTimeout(timer);
        call.signal.removeEventListener('abort', abort);
        if (outcome.kind === 'failed') request.destroy();
        resolve(outcome);
      };
      call.signal.addEventListener('abort', abort, { once: true });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const gone = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        const code = error.code === 'ECONNREFUSED' ? 'refused' : 'other';
        finish({ kind: 'failed', why: textOf(error), code, stale: gone && request.reusedSocket });
      });
      request.on('response', (response) => {
        response.setEncoding('utf8');
        let body = '';
        let read = 0;
        response.on('data', (text: string) => {
          if (onText !== undefined) {
            clearTimeout(timer);
            timer = setTimeout(expire, call.timeout);
            return onText(text);
          }
          read += Buffer.byteLength(text);
          if (read > options.maxBytes)
            return finish({ kind: 'failed', why: `answered with more than ${options.maxBytes} bytes`, code: 'other' });
          body += text;
        });
        response.on('end', () =>
          finish({ kind: 'answered', status: response.statusCode ?? 0, headers: headersOf(response), body }),
        );
        response.on('close', () =>
          finish({ kind: 'failed', why: 'closed the connection in its answer', code: 'other' }),
        );
      });
      request.end(call.body);
    });

  return {
    async request(call) {
      const outcome = await once(call, undefined);
      const again = outcome.kind === 'failed' && outcome.stale === true && call.method === 'GET';
      return again ? once(call, undefined) : outcome;
    },
    stream: (call, onText) => once(call, onText),
    close() {
      http.destroy();
      https.destroy();
    },
  };
};

const headersOf = (response: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );

/** What node says of a failed connection, also where it tried several addresses and says nothing itself. */
const textOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};
