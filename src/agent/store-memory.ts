import { elapsedAtLeast, type Instant } from '../core/instant.ts';
import { seenMost, storeFault, type StoreSeen } from '../core/store-identity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { StoreFile } from './store-file.ts';

/** Knows which etcd this member has seen, and how far it was. */
export interface StoreMemory {
  /** Why this answer is not believed, with what to do; undefined when it is, and it is remembered. */
  judge(answer: StoreSeen): string | undefined;
}

/** How often what was seen is written down: a restart notices an etcd that went back by more than this. */
const WRITE_EVERY = 60_000;

const HINT =
  'check etcd.endpoints; if etcd was restored or made anew on purpose: stop the agents, run `haagent forget-store` on each host, start them again';

export const createStoreMemory = async (deps: {
  readonly file: StoreFile;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<StoreMemory> => {
  let seen = await deps.file.read();
  let writtenAt: Instant | undefined;
  let told: string | undefined;

  const remember = (answer: StoreSeen): void => {
    seen = seenMost(seen, answer);
    const now = deps.clock.now();
    if (writtenAt !== undefined && elapsedAtLeast(writtenAt, now) < WRITE_EVERY) return;
    writtenAt = now;
    deps.file.write(seen).catch((error: unknown) =>
      deps.log.warn('store.not-remembered', 'what was seen of etcd could not be written down; it is tried again', {
        err: error,
      }),
    );
  };

  return {
    judge: ({ clusterId, revision }) => {
      const fault = storeFault(seen, { clusterId, revision });
      if (fault === undefined) {
        told = undefined;
        remember({ clusterId, revision });
        return undefined;
      }
      const why = `${fault}; nothing is decided from it: ${HINT}`;
      if (told !== fault.replaceAll(/\d+/g, '')) deps.log.error('store.not-believed', why);
      told = fault.replaceAll(/\d+/g, '');
      return why;
    },
  };
};
