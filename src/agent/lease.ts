import { readFile, rename, writeFile } from 'node:fs/promises';
import { leaseId, type LeaseId, type Ms } from '../core/brand.ts';
import type { Event } from '../core/memory.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Log } from '../ports/log.ts';
import { createWakeable, type Wakeable } from './wakeable.ts';

/**
 * Keeps the agent's one etcd lease, which the member key and the leader key are attached to. It wakes others when this host
 * dies; it proves nothing (rule D4). Kept in a file, so that a restarted agent goes on with the same lease and its leader
 * key does not vanish meanwhile.
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
  let lease: LeaseId | undefined;
  let remembered = false;

  const recall = async (): Promise<LeaseId | undefined> => {
    const text = await readFile(deps.file, 'utf8').catch(() => '');
    return /^-?\d{1,20}$/.test(text.trim()) ? leaseId(text.trim()) : undefined;
  };

  const remember = async (id: LeaseId): Promise<void> => {
    await writeFile(`${deps.file}.new`, `${id}\n`, { mode: 0o600 });
    await rename(`${deps.file}.new`, deps.file);
  };

  const keep = async (signal: AbortSignal): Promise<number> => {
    const pace = deps.ttl() / 3;
    if (!remembered) {
      remembered = true;
      lease = await recall();
    }
    if (lease !== undefined) {
      const kept = await deps.store.keepLeaseAlive(lease, { timeout: deps.callTimeout(), signal });
      if (kept.kind === 'failed') return 250;
      if (kept.value === 'alive') {
        deps.post({ kind: 'lease', lease });
        return pace;
      }
      deps.log.info('lease.gone', `etcd does not know lease ${lease} any more; taking a new one`);
      lease = undefined;
      deps.post({ kind: 'lease', lease: undefined });
    }
    const granted = await deps.store.grantLease(deps.ttl(), { timeout: deps.callTimeout(), signal });
    if (granted.kind === 'failed') return 250;
    lease = granted.value.lease;
    await remember(lease);
    deps.post({ kind: 'lease', lease });
    return pace;
  };

  const keeper = createWakeable({
    clock: deps.clock,
    work: keep,
    failed: (error) => deps.log.error('lease.bug', 'keeping the lease failed unexpectedly', { err: error }),
  });
  return { ...keeper, lease: () => lease };
};
