import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TlsServer } from 'node:https';
import fastify, { type FastifyInstance } from 'fastify';
import { ms } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { AgentStatus } from '../core/status.ts';
import type { ApiDeps, TlsOptions } from './deps.ts';
import { createControlGuard } from './guard-control.ts';
import { createHealthAnswers } from './health-answers.ts';
import { createHealthHandler } from './health-server.ts';
import { answerHealthOnSockets, type HealthSockets } from './health-socket.ts';
import { toJson } from './json.ts';
import { parseBody } from './body.ts';
import { openApiDocument } from './openapi.ts';
import { problem, problemFrom } from './problem.ts';
import { createRenderer } from './rendered.ts';
import { sendProblem } from './respond.ts';
import { copyRoutes } from './routes-copy.ts';
import { controlRoutes } from './routes-control.ts';
import { eventRoutes } from './routes-events.ts';
import { promiseRoute } from './routes-promise.ts';
import { statusRoutes } from './routes-status.ts';

/** Not imported: an import reads every export, and so loads Node's WebSocket and fetch, 13 MiB that nothing uses. */
const { createServer } = process.getBuiltinModule('node:http');

/** The agent's REST API. */
export interface Api {
  /** Begins to listen. Throws `AgentError` when the address cannot be had. */
  listen(): Promise<void>;
  /** Where it listens, with the port that was given by the system where 0 was asked for. */
  address(): { readonly host: string; readonly port: number } | undefined;
  /** Uses a renewed certificate for new connections. */
  renewTls(tls: TlsOptions): void;
  /** Ends streams and waits, then every connection. Can be called twice. */
  close(): Promise<void>;
}

/** A silent or slow client is cut off; one agent must serve many load balancers, and nothing may starve its loop. */
const LIMITS = {
  headersTimeout: 4_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 30_000,
  maxHeaderSize: 8_192,
} as const satisfies ServerOptions;
const MOST_CONNECTIONS = 2_000;
const MOST_REQUESTS_PER_SOCKET = 10_000;
const MOST_BODY_BYTES = 262_144;
const HANDSHAKE_TIMEOUT = 4_000;
/** How long answers under way may take when the API closes. */
const CLOSE_GRACE = ms(500);

/** Builds the API; it listens only after `listen()`. */
export const createApi = (deps: ApiDeps): Api => {
  const render = createRenderer(deps.clock, deps.positions);
  const answers = createHealthAnswers({ ...deps, render, writeLag: createWriteLag(deps) });
  const health = createHealthHandler(answers);
  const closing = new AbortController();
  let server: Server | TlsServer | undefined;
  let checks: HealthSockets | undefined;
  const app = fastify({
    logger: false,
    bodyLimit: MOST_BODY_BYTES,
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true },
    serverFactory: (handler) => {
      const handle: Handler = (req, res) => {
        if (!health(req, res)) handler(req, res);
      };
      const { tls } = deps.options;
      server = tls === undefined ? createServer(LIMITS, handle) : createTlsServer(tlsOptions(tls), handle);
      if (tls === undefined) checks = answerHealthOnSockets(server, answers);
      return limited(server);
    },
  });
  addRoutes(app, deps, render, closing.signal);

  let closed: Promise<void> | undefined;
  return {
    async listen() {
      const { host, port } = deps.options.listen;
      try {
        await app.listen({ host, port });
      } catch (cause) {
        throw new AgentError('failed', `The API cannot listen on ${host}:${port}: ${textOf(cause)}.`, {
          cause,
          hint: 'Is another agent running, or does api.listen name an address that this host does not have?',
        });
      }
    },
    address() {
      const at = server?.address();
      return typeof at === 'object' && at !== null ? { host: at.address, port: at.port } : undefined;
    },
    renewTls(tls) {
      if (server !== undefined && 'setSecureContext' in server) server.setSecureContext(secureContext(tls));
    },
    close() {
      closed ??= (async () => {
        closing.abort();
        checks?.close();
        const cut = deps.clock.timer(CLOSE_GRACE, () => server?.closeAllConnections());
        await app.close();
        cut();
      })();
      return closed;
    },
  };
};

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const limited = <S extends Server | TlsServer>(server: S): S => {
  server.maxConnections = MOST_CONNECTIONS;
  server.maxRequestsPerSocket = MOST_REQUESTS_PER_SOCKET;
  return server;
};

const tlsOptions = (tls: TlsOptions) => ({
  ...LIMITS,
  ...secureContext(tls),
  handshakeTimeout: HANDSHAKE_TIMEOUT,
  requestCert: tls.verifyClient !== 'none',
  rejectUnauthorized: tls.verifyClient === 'required',
  minVersion: 'TLSv1.2' as const,
});

const secureContext = (tls: TlsOptions): { cert: string; key: string; ca?: string } => ({
  cert: tls.cert,
  key: tls.key,
  ...(tls.ca === undefined ? {} : { ca: tls.ca }),
});

const addRoutes = (
  app: FastifyInstance,
  deps: ApiDeps,
  render: ReturnType<typeof createRenderer>,
  closing: AbortSignal,
): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, parseBody);
  app.setErrorHandler((error, request, reply) => {
    const what = problemFrom(error);
    if (what.status >= 500)
      deps.log.error('api.failed', 'A request failed.', { path: request.url.split('?')[0], error: textOf(error) });
    return sendProblem(reply, what);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem('not-found', `There is no ${request.method} ${(request.url.split('?')[0] ?? '').slice(0, 100)} here.`, {
        hint: 'GET /openapi.json lists every request.',
      }),
    ),
  );
  app.get('/openapi.json', (_request, reply) =>
    reply.type('application/json').send(toJson(openApiDocument(deps.status()?.version ?? 'unknown'))),
  );
  statusRoutes(app, deps, render, closing);
  eventRoutes(app, deps, closing);
  promiseRoute(app, deps);
  copyRoutes(app, deps, closing);
  app.register(async (control) => {
    const guard = createControlGuard(deps);
    control.addHook('onRequest', async (request, reply) => guard(request, reply));
    controlRoutes(control, deps, closing);
  });
};

/** How much of the leader's log this replica has not yet received and kept. */
const createWriteLag =
  ({ positions }: ApiDeps) =>
  (status: AgentStatus): number | undefined => {
    const reference = status.view?.heartbeat?.value.position;
    const database = status.database.kind === 'known' ? status.database.value : undefined;
    const received = database?.kind === 'running' ? (database.replay?.received ?? database.position) : undefined;
    if (reference === undefined || received === undefined) return undefined;
    return positions.compare(received, reference) === 'diverged' ? undefined : positions.distance(received, reference);
  };

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
