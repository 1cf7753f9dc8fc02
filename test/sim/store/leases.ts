import { ms, type LeaseId, type Ms } from '../../../src/core/brand.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { EtcdServer } from './server.ts';

/** etcd's lessor: who lives how long. All numbers were measured on etcd 3.4 and 3.5. */
export interface Leases {
  /** undefined when etcd is out of space. */
  grant(ttl: Ms): { readonly lease: LeaseId; readonly ttl: Ms } | undefined;
  keepAlive(lease: LeaseId): 'alive' | 'gone';
  revoke(lease: LeaseId): boolean;
  /** No leader: nothing ends. */
  suspend(): void;
  /** A new leader gives every lease its full ttl again, and one election timeout on top. */
  resume(): void;
  /** The measured lie: an old leader answers renewals with success although the lease is gone. */
  setLying(lying: boolean): void;
  /** Milliseconds until this lease may end; undefined when it is gone. */
  left(lease: LeaseId): number | undefined;
  /** After the server was restored from a backup. */
  reset(): void;
}

const SHORTEST_TTL_MS = 2_000;
const GRAIN_MS = 500;
const ELECTION_TIMEOUT_MS = 1_000;

export const createLeases = (server: EtcdServer, clock: Clock): Leases => {
  const lives = new Map<LeaseId, { readonly ttl: Ms; end: number }>();
  const ttls = new Map<LeaseId, Ms>();
  let suspended = false;
  let lying = false;
  let sweepAt = Infinity;
  let stopSweep = (): void => {};
  const now = (): number => clock.now().mono;

  const drop = (lease: LeaseId): boolean => {
    lives.delete(lease);
    return server.dropLease(lease);
  };
  const sweep = (): void => {
    sweepAt = Infinity;
    if (suspended) return;
    const at = now();
    for (const [lease, life] of lives) if (life.end <= at) drop(lease);
    plan();
  };
  /** One timer, at the first grain after the first end. */
  const plan = (): void => {
    if (suspended || lives.size === 0) return;
    let first = Infinity;
    for (const life of lives.values()) if (life.end < first) first = life.end;
    const wanted = Math.ceil(first / GRAIN_MS) * GRAIN_MS;
    if (sweepAt <= wanted) return;
    stopSweep();
    sweepAt = wanted;
    stopSweep = clock.timer(ms(Math.max(0, wanted - now())), sweep, { unref: true });
  };

  return {
    grant: (asked) => {
      const lease = server.addLease();
      if (lease === undefined) return undefined;
      const ttl = ms(Math.max(SHORTEST_TTL_MS, Math.ceil(asked / 1_000) * 1_000));
      ttls.set(lease, ttl);
      lives.set(lease, { ttl, end: now() + ttl });
      plan();
      return { lease, ttl };
    },
    keepAlive: (lease) => {
      const life = lives.get(lease);
      if (life === undefined || (life.end <= now() && !suspended)) return lying ? 'alive' : 'gone';
      life.end = now() + life.ttl;
      return 'alive';
    },
    revoke: drop,
    suspend: () => {
      suspended = true;
      stopSweep();
      sweepAt = Infinity;
    },
    resume: () => {
      suspended = false;
      for (const life of lives.values()) life.end = now() + life.ttl + ELECTION_TIMEOUT_MS;
      plan();
    },
    setLying: (wanted) => (lying = wanted),
    left: (lease) => {
      const life = lives.get(lease);
      return life === undefined ? undefined : life.end - now();
    },
    reset: () => {
      lives.clear();
      for (const [lease, ttl] of ttls)
        if (server.hasLease(lease)) lives.set(lease, { ttl, end: now() + ttl + ELECTION_TIMEOUT_MS });
      plan();
    },
  };
};
