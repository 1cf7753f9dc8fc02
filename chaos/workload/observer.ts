import { vanished } from '../checks/reads.ts';
import type { Address, Dialect, Session } from './dialect.ts';

/** Notes which ids a server has shown at any time: the proof that a write had reached it. */
export interface Observer {
  readonly seen: ReadonlySet<number>;
  /** Ids that vanished within one session. */
  readonly vanished: ReadonlySet<number>;
  stop(): Promise<void>;
}

/** How far back each look goes: ids are given in order, but need not be committed in order. */
const OVERLAP = 500;
const EVERY_MS = 50;
const DEADLINE_MS = 1_000;

/** Looks every 50 ms until stopped; a server that cannot be asked shows nothing. */
export const startObserver = (address: Address, dialect: Dialect): Observer => {
  const seen = new Set<number>();
  const gone = new Set<number>();
  let before: ReadonlySet<number> = new Set();
  let highest = 0;
  let session: Session | undefined;
  const ending = new AbortController();

  const look = async (): Promise<void> => {
    try {
      if (session?.usable !== true) {
        before = new Set();
        session = await dialect.connect(address, DEADLINE_MS);
      }
      const late = setTimeout(() => session?.destroy(), DEADLINE_MS);
      try {
        const after = highest - OVERLAP;
        const now = await session.ids(after);
        for (const id of vanished(before, now, after)) gone.add(id);
        before = new Set(now);
        for (const id of now) {
          seen.add(id);
          highest = Math.max(highest, id);
        }
      } finally {
        clearTimeout(late);
      }
    } catch {
      session?.destroy();
    }
  };
  const watch = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    session?.destroy();
  };
  const watching = watch();
  return {
    seen,
    vanished: gone,
    stop: async () => {
      ending.abort();
      await watching;
    },
  };
};
