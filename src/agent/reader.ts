import type { Ms } from '../core/brand.ts';
import type { Event } from '../core/memory.ts';
import type { PositionAlgebra } from '../core/position.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConsensusStore } from '../ports/consensus.ts';
import type { Log } from '../ports/log.ts';
import { createViewDecoder } from '../state/decode.ts';
import type { StoreMemory } from './store-memory.ts';
import { createWakeable, type Wakeable } from './wakeable.ts';

/**
 * The cluster is read again this long after the last time even when no watch says that anything changed. Longer than a
 * heartbeat takes by default: of a cluster that rests, each heartbeat is read once.
 */
const REREAD = 3_000;

/**
 * Reads the cluster's keys linearizably: at every hint of the watch, when asked, and on its own tick, so that a dead watch
 * costs time and never safety.
 */
export const createReader = (deps: {
  readonly store: ConsensusStore;
  readonly prefix: string;
  readonly positions: PositionAlgebra;
  readonly clock: Clock;
  readonly log: Log;
  readonly callTimeout: () => Ms;
  readonly post: (event: Event) => void;
  readonly seen: StoreMemory;
}): Wakeable => {
  const decode = createViewDecoder(deps);
  let problems = '';
  let trouble = false;

  const read = async (signal: AbortSignal): Promise<number> => {
    const answer = await deps.store.range(deps.prefix, { timeout: deps.callTimeout(), signal });
    if (signal.aborted) return REREAD;
    if (answer.kind === 'failed') {
      if (!trouble)
        deps.log.warn('store.lost', `etcd cannot be read: ${answer.error.message}`, { code: answer.error.code });
      trouble = true;
      deps.post({ kind: 'view-failed', why: answer.error.message });
      return 200;
    }
    if (trouble) deps.log.info('store.back', 'etcd answers again');
    trouble = false;
    const fault = deps.seen.judge(answer.value);
    if (fault !== undefined) {
      deps.post({ kind: 'view-failed', why: fault });
      return REREAD;
    }
    const view = decode(answer.value);
    const found = view.problems.join('; ');
    if (found !== problems && found !== '')
      deps.log.error('store.unreadable', `keys in etcd cannot be understood: ${found}`);
    problems = found;
    deps.post({ kind: 'view', view });
    return REREAD;
  };

  const reader = createWakeable({
    clock: deps.clock,
    work: read,
    failed: (error) => deps.log.error('store.read.bug', 'reading the cluster failed unexpectedly', { err: error }),
  });
  const watch = deps.store.watch(deps.prefix, {
    changed: () => reader.wake(),
    lost: (error) => deps.log.debug('store.watch.lost', error.message, { code: error.code }),
  });
  return {
    wake: reader.wake,
    stop: async () => {
      watch.close();
      await reader.stop();
    },
  };
};
