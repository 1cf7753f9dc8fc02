import type { Call, Outcome, StoreStatus } from '../../ports/consensus.ts';
import { createBudget, type Budget } from './budget.ts';
import type { Endpoint } from './endpoint.ts';
import type { TriesDeps } from './tries.ts';

interface Asked {
  readonly status: StoreStatus['endpoints'][number];
  readonly alarms: readonly string[];
}

/**
 * Asks every server for itself, all at once. Each tells its version and the alarms it knows without asking the others, so
 * the answer is there without a quorum too. `failed` only when none answered.
 */
export const readStatus = async (call: Call, deps: TriesDeps): Promise<Outcome<StoreStatus>> => {
  const budget = createBudget(call, deps);
  try {
    const asked = await Promise.all(deps.pool.order().map(async (endpoint) => askOne(endpoint, budget, deps)));
    const errors = asked.flatMap(({ status }) => status.error ?? []);
    const [first] = errors;
    if (first !== undefined && errors.length === asked.length)
      return { kind: 'failed', error: { code: first.code, message: errors.map((e) => e.message).join('; ') } };
    const alarms = [...new Set(asked.flatMap((one) => one.alarms))].toSorted();
    const endpoints = asked.map(({ status }) => status).toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
    return { kind: 'ok', value: { endpoints, alarms } };
  } finally {
    budget.release();
  }
};

const askOne = async (endpoint: Endpoint, budget: Budget, { pool }: TriesDeps): Promise<Asked> => {
  for (let again = false; ; again = true) {
    const connection = pool.connection(endpoint);
    const answer = await connection.ask(async (client, options) => client.maintenance.status(options), {
      timeout: budget.left(),
      signal: budget.signal,
    });
    if (answer.kind === 'ok') {
      const { version, errors } = answer.value;
      return { status: { endpoint: endpoint.url, version, error: undefined }, alarms: errors.map(alarmOf) };
    }
    const { fault } = answer;
    pool.failed(connection, fault);
    // A connection that another call has just thrown away, or a login that has run out, says nothing of the server.
    if (!again && fault.next !== 'stop' && budget.ended() === undefined && budget.left() > 0) continue;
    const error = { code: fault.code, message: `asking ${endpoint.url} for its status: ${fault.details}` };
    return { status: { endpoint: endpoint.url, version: undefined, error }, alarms: [] };
  }
};

/** `memberID:123 alarm:NOSPACE ` becomes `NOSPACE`; other texts (`etcdserver: no leader`) lose their prefix. */
const alarmOf = (text: string): string =>
  /alarm:(?<name>\w+)/u.exec(text)?.groups?.['name'] ?? text.replace(/^etcdserver: /u, '').trim();
