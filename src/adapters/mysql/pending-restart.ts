import { elapsedAtLeast, type Instant } from '../../core/instant.ts';
import { pendingOf } from './configure.ts';
import { readLaunched } from './launched.ts';
import type { Parts } from './parts.ts';

const INTERVAL = 5_000;

/** Parameters whose new value waits for a restart: read now and then, never waited for. */
export interface PendingRestart {
  tick(): void;
  /** Something was changed that the answer may depend on. */
  soon(): void;
  names(): readonly string[];
  close(): void;
}

export const createPendingRestart = ({ site, settings, configuration }: Parts): PendingRestart => {
  let last: Instant | undefined;
  let found: readonly string[] = [];
  let closed = false;
  const refresh = async (): Promise<void> => {
    const wanted = configuration.parameters(await settings.get());
    found = pendingOf(wanted, await readLaunched(site));
  };
  return {
    tick: () => {
      const now = site.options.clock.now();
      if (closed || (last !== undefined && elapsedAtLeast(last, now) < INTERVAL)) return;
      last = now;
      refresh().catch((error: unknown) =>
        site.options.log.debug('database.pending_unknown', 'pending restarts could not be read', {
          reason: String(error),
        }),
      );
    },
    soon: () => {
      last = undefined;
    },
    names: () => found,
    close: () => {
      closed = true;
    },
  };
};
