import { ms, type MemberName } from '../core/brand.ts';
import type { How, OperationResult, Operations, Withdrawable } from '../ports/operations.ts';
import { isoTime } from '../state/cluster-document.ts';
import { resultSchema } from './documents.ts';
import { authorization, type HttpAccessDeps } from './http-deps.ts';
import { refusalOf, unreachable } from './http-refusal.ts';

/** The agent waits for the outcome itself; this much later it must have said so. */
const GRACE_MS = 3_000;
const RETRY_MS = 300;

interface Wish {
  readonly method: 'POST' | 'DELETE' | 'PATCH' | 'PUT';
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * The operations through an agent's API. Every request has an idempotency key, so that one whose answer was lost (the
 * agent restarted, say) can be sent again and is the same request.
 */
export const createHttpOperations = (deps: HttpAccessDeps): Operations => {
  const send = async (wish: Wish, how: How): Promise<OperationResult> => {
    const key = how.idempotencyKey ?? deps.newId();
    const until = Date.now() + how.timeout + GRACE_MS;
    const repeatable = wish.method === 'POST' && !how.dryRun;
    for (;;) {
      how.signal.throwIfAborted();
      const outcome = await deps.client.request({
        method: wish.method,
        url: `${deps.url}${wish.path}`,
        headers: { ...authorization(deps.account), 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(wish.body),
        timeout: ms(Math.max(1, until - Date.now())),
        signal: how.signal,
      });
      how.signal.throwIfAborted();
      const again = outcome.kind === 'failed' && outcome.code === 'other' && repeatable;
      if (!again || Date.now() + RETRY_MS >= until) {
        const refusal = refusalOf(outcome, deps.url);
        if (refusal !== undefined || outcome.kind === 'failed') return refusal ?? unreachable(deps.url, 'no answer');
        return resultIn(outcome.body);
      }
      how.progress?.(`the agent's connection ended (${outcome.why}); asking again`);
      await deps.sleep(RETRY_MS, how.signal);
    }
  };

  const common = (how: How): Readonly<Record<string, unknown>> => ({
    wait: how.wait,
    dry_run: how.dryRun,
    timeout: how.timeout / 1000,
  });
  const post = (path: string, body: Readonly<Record<string, unknown>>, how: How): Promise<OperationResult> =>
    send({ method: 'POST', path, body: { ...body, ...common(how) } }, how);
  const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : isoTime(at));

  return {
    switchover: ({ from, to, at }, how) =>
      post('/switchover', { leader: from, candidate: to, scheduled_at: time(at) }, how),
    failover: ({ to, allowDataLoss }, how) => post('/failover', { candidate: to, allow_data_loss: allowDataLoss }, how),
    restart: ({ member, onlyIfPending, at }, how) =>
      post('/restart', { member, restart_pending: onlyIfPending, schedule: time(at) }, how),
    reinitialize: ({ member, fromLeader }, how) => post('/reinitialize', { member, from_leader: fromLeader }, how),
    cancel: (kind, member, how) =>
      send({ method: 'DELETE', path: `/${kind}`, body: { dry_run: how.dryRun, ...memberOf(kind, member) } }, how),
    pause: (wanted, how) => post(wanted ? '/pause' : '/resume', {}, how),
    async configure({ how: edit, document }, how) {
      if (typeof document !== 'object' || document === null || Array.isArray(document))
        return { kind: 'refused', code: 'config-invalid', message: 'A configuration is an object of settings.' };
      const path = `/config?result=true&dry_run=${how.dryRun}`;
      return send({ method: edit === 'patch' ? 'PATCH' : 'PUT', path, body: { ...document } }, how);
    },
  };
};

const memberOf = (kind: Withdrawable, member: MemberName | undefined): object =>
  kind === 'switchover' || kind === 'failover' || member === undefined ? {} : { member };

const resultIn = (body: string): OperationResult => {
  try {
    const { result, message, data } = resultSchema.parse(JSON.parse(body));
    return { kind: result, message, ...(data === undefined ? {} : { data }) };
  } catch {
    return { kind: 'refused', code: 'failed', message: 'The agent answered with something that cannot be understood.' };
  }
};
