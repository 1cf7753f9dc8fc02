import { leaseId, ms, type LeaseId, type Ms } from '../../core/brand.ts';
import { AgentError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Call, ConsensusStore, Outcome, RangeResult, Watch } from '../../ports/consensus.ts';
import type { Log } from '../../ports/log.ts';
import type { TlsMaterial } from './client.ts';
import type { Request } from './connection.ts';
import { keyValueOf, rangeOf, revisionOf } from './encoding.ts';
import { parseEndpoint } from './endpoint.ts';
import { keepAliveOnce } from './keep-alive.ts';
import { createPool } from './pool.ts';
import { readStatus } from './status.ts';
import { transact } from './transact.ts';
import { runTries, type Plan, type TriesDeps } from './tries.ts';
import { createWatch } from './watch.ts';

export interface EtcdStoreOptions {
  /** `http://host:port` or `https://host:port`, one for each etcd server. */
  readonly endpoints: readonly string[];
  readonly tls?: TlsMaterial | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1): where to begin, and jitter. */
  readonly random: () => number;
  readonly log?: Log | undefined;
}

/**
 * The consensus store on etcd 3.4 and later. Nothing happens on the network before the first call.
 * Throws `config-invalid` for endpoints or credentials that cannot be used.
 */
export const createEtcdStore = (options: EtcdStoreOptions): ConsensusStore => {
  const { clock, random, log } = options;
  const closing = new AbortController();
  const pool = createPool({ ...partsOf(options), clock, random, log });
  const deps: TriesDeps = { pool, clock, random, closing: closing.signal };
  const watches = new Set<Watch>();
  const running = new Set<Promise<unknown>>();

  /** Keeps the call in view of `close`. */
  const track = async <T>(work: Promise<T>): Promise<T> => {
    running.add(work);
    return work.finally(() => running.delete(work));
  };
  const outcome = async <T>(plan: Omit<Plan<T>, 'repeatable'>, call: Call): Promise<Outcome<T>> => {
    const tried = await track(runTries({ ...plan, repeatable: true }, call, deps));
    return tried.kind === 'ok' ? { kind: 'ok', value: tried.value } : { kind: 'failed', error: tried.error };
  };
  const unary = async <T>(what: string, request: Request<T>, call: Call): Promise<Outcome<T>> =>
    outcome({ what, attempt: async (connection, limits) => connection.ask(request, limits) }, call);

  return {
    range: async (prefix, call) => {
      const read = await unary(`reading ${prefix}`, async (c, o) => c.kv.range(rangeOf(prefix), o), call);
      return mapOk(read, (answer): RangeResult => ({
        revision: revisionOf(answer.header.revision),
        keys: answer.kvs.map(keyValueOf),
        clusterId: answer.header.cluster_id,
      }));
    },
    transact: async (txn, call) => track(transact(txn, call, deps)),
    grantLease: async (ttl, call) => {
      const request = { TTL: String(Math.ceil(ttl / 1_000)) };
      const granted = await unary('asking for a lease', async (c, o) => c.leaseClient.leaseGrant(request, o), call);
      return mapOk(granted, (answer): { lease: LeaseId; ttl: Ms } => ({
        lease: leaseId(answer.ID),
        ttl: ms(Number(answer.TTL) * 1_000),
      }));
    },
    keepLeaseAlive: async (lease, call) =>
      outcome(
        {
          what: `renewing lease ${lease}`,
          attempt: async (connection, limits) => keepAliveOnce(lease, connection, limits),
        },
        call,
      ),
    revokeLease: async (lease, call) => {
      const what = `revoking lease ${lease}`;
      const revoked = await unary(what, async (c, o) => c.leaseClient.leaseRevoke({ ID: lease }, o), call);
      // Gone is what was wanted (and what a repeated request finds).
      if (revoked.kind === 'failed' && revoked.error.code !== 'lease-gone') return revoked;
      return { kind: 'ok', value: 'revoked' };
    },
    watch: (prefix, listener) => {
      const watch = createWatch(prefix, listener, { pool, clock, random });
      watches.add(watch);
      const close = (): void => {
        watch.close();
        watches.delete(watch);
      };
      if (closing.signal.aborted) close();
      return { close };
    },
    status: async (call) => track(readStatus(call, deps)),
    close: async () => {
      closing.abort();
      for (const watch of watches) watch.close();
      watches.clear();
      await Promise.allSettled(running);
      pool.close();
    },
  };
};

const mapOk = <A, B>(from: Outcome<A>, to: (value: A) => B): Outcome<B> =>
  from.kind === 'ok' ? { kind: 'ok', value: to(from.value) } : from;

const partsOf = ({ endpoints, tls, username, password }: EtcdStoreOptions) => {
  const [first, ...others] = endpoints.map(parseEndpoint);
  if (first === undefined)
    throw new AgentError('config-invalid', 'etcd.endpoints is empty: at least one etcd server is needed', {
      hint: 'Write for example endpoints: [http://etcd1:2379, http://etcd2:2379, http://etcd3:2379].',
    });
  if ((username === undefined) !== (password === undefined))
    throw new AgentError('config-invalid', 'etcd.username and etcd.password belong together: one of them is missing');
  const login = username === undefined || password === undefined ? undefined : { username, password };
  return { endpoints: [first, ...others] as const, tls, login };
};
