import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ms, type MemberName } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { AgentStatus } from '../core/status.ts';
import type { How, OperationResult } from '../ports/operations.ts';
import type { ApiDeps } from './deps.ts';
import { versionNumber } from './patroni-document.ts';
import {
  cancelBody,
  commonQuery,
  configBody,
  configQuery,
  failoverBody,
  plainBody,
  reinitializeBody,
  restartBody,
  switchoverBody,
  type Common,
} from './requests.ts';
import { sendJson, sendResult } from './respond.ts';
import { parseSchedule } from '../state/schedule.ts';

const DEFAULT_WAIT = ms(60_000);

/**
 * Routes that change something. Each parses its body, asks `Operations` to record the wish, and says what came of it.
 * Without `wait` they behave as Patroni's: switchover, failover and restart answer when done, the others when recorded.
 */
export const controlRoutes = (app: FastifyInstance, deps: ApiDeps, closing: AbortSignal): void => {
  const { operations, clock } = deps;

  /** Registers a route whose body is checked by `schema`. */
  const route = <S extends z.ZodType<Partial<Common>>>(
    method: 'POST' | 'DELETE',
    url: string,
    schema: S,
    waits: boolean,
    act: (body: z.output<S>, how: How) => Promise<OperationResult>,
  ): void => {
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        const body = parse(schema, request.body ?? {}, 'body');
        return sendResult(reply, await act(body, howOf(request, reply, deps, closing, body, waits)));
      },
    });
  };

  route('POST', '/switchover', switchoverBody, true, (body, how) => {
    const at = body.scheduled_at === undefined ? undefined : parseSchedule(body.scheduled_at, clock.wall());
    return operations.switchover({ from: body.leader, to: body.candidate ?? body.member, at }, how);
  });

  route('POST', '/failover', failoverBody, true, (body, how) => {
    const to = body.candidate ?? body.member;
    if (to === undefined)
      throw new AgentError('usage', 'A failover needs a candidate.', { hint: 'Name it: {"candidate": "db2"}.' });
    if (body.scheduled_at !== undefined)
      throw new AgentError('usage', 'A failover cannot be scheduled.', { hint: 'Schedule a switchover instead.' });
    if (body.leader !== undefined) return operations.switchover({ from: body.leader, to, at: undefined }, how);
    return operations.failover({ to, allowDataLoss: body.allow_data_loss ?? false }, how);
  });

  route('POST', '/restart', restartBody, true, async (body, how) => {
    const at = body.schedule === undefined ? undefined : parseSchedule(body.schedule, clock.wall());
    const unmet = unmetFilter(body, deps.status());
    if (unmet !== undefined) return { kind: 'refused', code: 'refused', message: unmet };
    const request = { member: body.member ?? ownName(deps), onlyIfPending: body.restart_pending ?? false, at };
    return operations.restart(request, how);
  });

  route('POST', '/reinitialize', reinitializeBody, false, async (body, how) => {
    const member = body.member ?? ownName(deps);
    if (body.force === true) await operations.cancel('reinitialize', member, how);
    return operations.reinitialize({ member, fromLeader: body.from_leader ?? false }, how);
  });

  route('DELETE', '/switchover', cancelBody, false, (_body, how) => operations.cancel('switchover', undefined, how));
  route('DELETE', '/failover', cancelBody, false, (_body, how) => operations.cancel('failover', undefined, how));
  for (const kind of ['restart', 'reinitialize'] as const)
    route('DELETE', `/${kind}`, cancelBody, false, (body, how) =>
      operations.cancel(kind, body.member ?? ownName(deps), how),
    );
  route('POST', '/pause', plainBody, true, (_body, how) => operations.pause(true, how));
  route('POST', '/resume', plainBody, true, (_body, how) => operations.pause(false, how));

  route('POST', '/reload', plainBody, false, async (_body, how) => {
    if (how.dryRun) return { kind: 'would-do', message: 'would read the local configuration again' };
    await deps.local.reload();
    return { kind: 'accepted', message: 'reload scheduled' };
  });

  for (const [method, kind] of [
    ['PATCH', 'patch'],
    ['PUT', 'replace'],
  ] as const)
    app.route({
      method,
      url: '/config',
      handler: async (request, reply) => {
        const document = parse(configBody, request.body, 'body');
        const how = howOf(request, reply, deps, closing, {}, false);
        const result = await operations.configure({ how: kind, document }, how);
        const asDocument = result.kind === 'done' && !parse(configQuery, request.query, 'query').result;
        return asDocument ? sendJson(reply, 200, documentOf(result.data)) : sendResult(reply, result);
      },
    });
};

const howOf = (
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ApiDeps,
  closing: AbortSignal,
  body: Partial<Common>,
  waits: boolean,
): How => {
  const query = parse(commonQuery, request.query, 'query');
  const timeout = body.timeout ?? query.timeout;
  return {
    by: `${deps.options.credentials?.username ?? 'api'} from ${request.ip}`,
    dryRun: body.dry_run ?? query.dry_run ?? false,
    wait: body.wait ?? query.wait ?? waits,
    timeout: timeout === undefined ? DEFAULT_WAIT : ms(timeout * 1000),
    signal: untilClosed(reply, closing),
    idempotencyKey: idempotencyKeyOf(request),
  };
};

/** Waiting ends when the client goes away or the API closes; what was recorded stays recorded. */
const untilClosed = (reply: FastifyReply, closing: AbortSignal): AbortSignal => {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new AgentError('not-ready', 'The agent is closing; the request was recorded.'));
  closing.addEventListener('abort', abort, { once: true });
  reply.raw.once('close', () => {
    closing.removeEventListener('abort', abort);
    gone.abort(new AgentError('not-ready', 'The client went away.'));
  });
  return gone.signal;
};

const idempotencyKeyOf = (request: FastifyRequest): string | undefined => {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,128}$/.test(key)) return key;
  throw new AgentError('usage', 'The header Idempotency-Key must have 1 to 128 printable characters without spaces.');
};

const parse = <S extends z.ZodType>(schema: S, value: unknown, where: 'body' | 'query'): z.output<S> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AgentError('usage', `The ${where} of the request cannot be used.`, {
    hint: 'GET /openapi.json describes every request.',
    detail: result.error.issues.slice(0, 20).map((issue) => `${issue.path.join('.') || where}: ${issue.message}`),
  });
};

/** Why a restart with these filters does not apply to this member; undefined when it does. */
const unmetFilter = (body: z.output<typeof restartBody>, status: AgentStatus | undefined): string | undefined => {
  const { role, postgres_version: older } = body;
  if (role === undefined && older === undefined) return undefined;
  const database = status?.database.kind === 'known' ? status.database.value : undefined;
  if (status === undefined || database?.kind !== 'running')
    return 'The role and version of the database are not known now, so the filters cannot be checked.';
  if (body.member !== undefined && body.member !== status.name)
    return 'role and postgres_version are checked by the member itself: ask its own agent.';
  if (role !== undefined && role !== status.role) return `The database is ${status.role}, not ${role}: nothing to do.`;
  const [own, limit] = [
    versionNumber(database.serverVersion),
    older === undefined ? undefined : versionNumber(older.includes('.') ? older : `${older}.0`),
  ];
  return own !== undefined && limit !== undefined && own >= limit
    ? `The server has version ${database.serverVersion}, which is not older than ${older ?? ''}: nothing to do.`
    : undefined;
};

const ownName = (deps: ApiDeps): MemberName => {
  const status = deps.status();
  if (status !== undefined) return status.name;
  throw new AgentError('not-ready', 'The agent has not looked at its database yet.', {
    hint: 'Ask again in a second.',
  });
};

const documentOf = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'document' in data ? data.document : data;
