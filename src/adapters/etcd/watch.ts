import { ms, type Ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Watch, WatchListener } from '../../ports/consensus.ts';
import type { Fault } from './faults.ts';
import type { Pool } from './pool.ts';
import { followStream } from './watch-stream.ts';

export interface WatchDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Between two streams. A refused password or permission does not heal at another endpoint: slower. */
const PAUSE_MS = { least: 100, spread: 200 };
const REFUSED_PAUSE_MS = { least: 1_000, spread: 1_000 };

/**
 * Watches a prefix for ever, as a hint: `changed` comes after every (re)connection, too, so the listener never depends on
 * having got every event, and no revision is kept that compaction could take away. `lost` comes once for each loss.
 */
export const createWatch = (prefix: string, listener: WatchListener, deps: WatchDeps): Watch => {
  const closing = new AbortController();
  void keepWatching(prefix, listener, deps, closing.signal);
  return { close: () => closing.abort() };
};

const keepWatching = async (
  prefix: string,
  listener: WatchListener,
  deps: WatchDeps,
  signal: AbortSignal,
): Promise<void> => {
  const { pool, clock } = deps;
  let told = false;
  while (!signal.aborted) {
    const connection = pool.best();
    const created = (): void => {
      told = false;
      pool.worked(connection);
      listener.changed();
    };
    const fault = await followStream(
      prefix,
      connection,
      { created, changed: () => listener.changed() },
      { clock, signal },
    );
    if (signal.aborted) return;
    pool.failed(connection, fault);
    if (!told)
      listener.lost({
        code: fault.code,
        message: `watching ${prefix} at ${connection.endpoint.url}: ${fault.details}`,
      });
    told = true;
    await clock.sleep(pauseAfter(fault, deps.random), { signal }).catch(() => undefined);
  }
};

const pauseAfter = (fault: Fault, random: () => number): Ms => {
  const { least, spread } = fault.next === 'stop' ? REFUSED_PAUSE_MS : PAUSE_MS;
  return ms(least + random() * spread);
};
