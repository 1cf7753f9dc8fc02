import type { FastifyInstance, FastifyReply } from 'fastify';
import { isNonce, NONCE_HEADER, PROOF_HEADER, proofOf } from '../adapters/http/proof.ts';
import { elapsedAtMost, remaining } from '../core/instant.ts';
import type { ClusterView } from '../core/model.ts';
import type { AgentStatus } from '../core/status.ts';
import { configChanges, documentInForce } from '../state/config-versions.ts';
import { historyLines, termDocuments } from '../state/history-lines.ts';
import { createClusterText } from './cluster-text.ts';
import type { ApiDeps } from './deps.ts';
import { NO_LIMITS } from './health-query.ts';
import { leader, primary, replica } from './health.ts';
import { toJson } from './json.ts';
import { createLiveRanking } from './live-ranking.ts';
import { problem } from './problem.ts';
import type { Rendered } from './rendered.ts';
import { whyQuery } from './requests.ts';
import { sendJson, sendProblem } from './respond.ts';
import { whyDocument } from './status-document.ts';

/** GET routes that show: /status, /patroni, /cluster, /history, /config, /failsafe, /why, /metrics. None asks etcd or the database. */
export const statusRoutes = (
  app: FastifyInstance,
  deps: ApiDeps,
  render: (status: AgentStatus) => Rendered,
  closing: AbortSignal,
): void => {
  const clusterText = createClusterText(deps, closing);
  const liveRanking = createLiveRanking(deps, closing);

  /** Registers a route that answers from the status; until there is one, 503. */
  const show = (
    path: string,
    answer: (status: AgentStatus, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>,
  ): void => {
    app.get(path, (_request, reply) => withStatus(deps, reply, (status) => answer(status, reply)));
  };
  const showView = (path: string, answer: (view: ClusterView) => unknown): void =>
    show(path, (status, reply) =>
      status.view === undefined ? sendProblem(reply, NO_VIEW(status)) : sendJson(reply, 200, answer(status.view)),
    );

  show('/patroni', (status, reply) => sendText(reply, render(status).patroni));
  show('/cluster', async (status, reply) => sendText(reply, await clusterText(status)));
  showView('/history', (view) => historyLines(termDocuments(view, deps.positions)));
  showView('/history/terms', (view) => termDocuments(view, deps.positions));
  showView('/config', documentInForce);
  showView('/config/versions', configChanges);
  show('/failsafe', (status, reply) => {
    const failsafe = status.view?.failsafe?.value;
    if (failsafe === undefined)
      return sendProblem(reply, problem('not-found', 'No leader has recorded a failsafe list.', { status: 502 }));
    return sendJson(reply, 200, Object.fromEntries(failsafe.members.map(({ name, apiUrl }) => [name, apiUrl])));
  });

  app.get('/status', (request, reply) =>
    withStatus(deps, reply, (status) => {
      const body = `${render(status).status()},"now":${toJson(nowOf(status, deps))}}`;
      const nonce = request.headers[NONCE_HEADER];
      const secret = deps.options.peersSecret;
      if (secret !== undefined && isNonce(nonce))
        reply.header(PROOF_HEADER, proofOf(secret, status.cluster, nonce, body));
      return sendText(reply, body);
    }),
  );

  app.get('/why', (request, reply) =>
    withStatus(deps, reply, async (status) => {
      const query = whyQuery.safeParse(request.query);
      if (!query.success) return sendProblem(reply, problem('usage', 'The query has no usable member name.'));
      const { member } = query.data;
      const reports = (await liveRanking(status)).filter(({ name }) => member === undefined || name === member);
      if (member !== undefined && reports.length === 0)
        return sendProblem(
          reply,
          problem('not-found', `There is no member "${member}" in cluster "${status.cluster}".`),
        );
      return sendJson(reply, 200, whyDocument(status, reports));
    }),
  );

  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await deps.metricsText()),
  );
};

/** What depends on the moment of asking: the same verdicts as the health endpoints give. */
const nowOf = (status: AgentStatus, deps: ApiDeps): object => {
  const now = deps.clock.now();
  return {
    primary: primary(status, now, NO_LIMITS).code === 200,
    leader: leader(status, now, NO_LIMITS).code === 200,
    replica: replica(status, now, NO_LIMITS).code === 200,
    right_ms_left: status.deadline === undefined ? undefined : Math.max(0, Math.round(remaining(status.deadline, now))),
    looked_ms_ago: status.databaseAt === undefined ? undefined : Math.ceil(elapsedAtMost(status.databaseAt, now)),
  };
};

const NO_VIEW = (status: AgentStatus) =>
  problem(
    'store-unavailable',
    `The agent has not read the cluster from etcd yet: ${status.storeTrouble ?? 'it just started'}.`,
    {
      hint: 'Ask another member, or look at the log of this agent.',
    },
  );

const withStatus = <T>(deps: ApiDeps, reply: FastifyReply, answer: (status: AgentStatus) => T): T | FastifyReply => {
  const status = deps.status();
  if (status !== undefined) return answer(status);
  return sendProblem(
    reply,
    problem('not-ready', 'The agent has not looked at its database yet.', { hint: 'Ask again in a second.' }),
  );
};

const sendText = (reply: FastifyReply, body: string | Buffer): FastifyReply =>
  reply.header('cache-control', 'no-store').type('application/json').send(body);
