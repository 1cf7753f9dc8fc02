import { readFile, rename, writeFile } from 'node:fs/promises';
import { leaseId, ms, type LeaseId, type Ms } from '../core/brand.ts';
import type { Event } from '../core/memory.ts';
import { SHORTEST_TTL } from '../core/timing.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Log } from '../ports/log.ts';
import { createWakeable, type Wakeable } from './wakeable.ts';

/**
 * Keeps the agent's one etcd lease, which the member key and the leader key are attached to. It wakes others when this host
 * dies; it proves nothing (rule D4). Kept in a file, so that a restarted agent goes on with the same lease and its leader
 * key does not vanish meanwhile. A lease keeps the time to live that it was granted with, whatever the setting says later:
 * it is renewed at its own pace.
 */
export const createLeaseKeeper = (deps: {
  readonly store: ConsensusStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly file: string;
  readonly ttl: () => Ms;
  readonly callTimeout: () => Ms;
  readonly post: (event: Event) => void;
}): Wakeable & { readonly lease: () => LeaseId | undefined } => {
  let held: Held | undefined;
  let remembered = false;

  const recall = async (): Promise<Held | undefined> => {
    const text = await readFile(deps.file, 'utf8').catch(() => '');
    const [, id, ttl] = /^(-?\d{1,20})(?: (\d{1,9}))?$/.exec(text.trim()) ?? [];
    return id === undefined
      ? undefined
      : { lease: leaseId(id), ttl: ttl === undefined ? SHORTEST_TTL : ms(Number(ttl)) };
  };

  const remember = async ({ lease, ttl }: Held): Promise<void> => {
    await writeFile(`${deps.file}.new`, `${lease} ${Math.round(ttl)}\n`, { mode: 0o600 });
    await rename(`${deps.file}.new`, deps.file);
  };

  const keep = async (signal: AbortSignal): Promise<number> => {
    if (!remembered) {
      remembered = true;
      held = await recall();
    }
    if (held !== undefined) {
      const { lease } = held;
      const kept = await deps.store.keepLeaseAlive(lease, { timeout: deps.callTimeout(), signal });
      if (kept.kind === 'failed') return 250;
      if (kept.value === 'alive') {
        deps.post({ kind: 'lease', lease });
        return paceOf(held.ttl, deps.ttl());
      }
      deps.log.info('lease.gone', `etcd does not know lease ${lease} any more; taking a new one`);
      held = undefined;
      deps.post({ kind: 'lease', lease: undefined });
    }
    const granted = await deps.store.grantLease(deps.ttl(), { timeout: deps.callTimeout(), signal });
    if (granted.kind === 'failed') return 250;
    held = granted.value;
    await remember(held);
    deps.post({ kind: 'lease', lease: held.lease });
    return paceOf(held.ttl, deps.ttl());
  };

  const keeper = createWakeable({
    clock: deps.clock,
    work: keep,
    failed: (error) => deps.log.error('lease.bug', 'keeping the lease failed unexpectedly', { err: error }),
  });
  return { ...keeper, lease: () => held?.lease };
};

interface Held {
  readonly lease: LeaseId;
  /** As granted, in milliseconds. */
  readonly ttl: Ms;
}

/** Renewed three times within the shorter of what it was granted and what is wanted now. */
const paceOf = (granted: Ms, wanted: Ms): number => Math.min(granted, wanted) / 3;
