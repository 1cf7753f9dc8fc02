import type { Address, Dialect, Session } from './dialect.ts';

/** Notes which ids a server has shown at any time: the proof that a write had reached it. */
export interface Observer {
  readonly seen: ReadonlySet<number>;
  stop(): Promise<void>;
}

/** How far back each look goes: ids are given in order, but need not be committed in order. */
const OVERLAP = 500;
const EVERY_MS = 50;
const DEADLINE_MS = 1_000;

/** Looks every 50 ms until stopped; a server that cannot be asked shows nothing. */
export const startObserver = (address: Address, dialect: Dialect): Observer => {
  const seen = new Set<number>();
  let highest = 0;
  let session: Session | undefined;
  const ending = new AbortController();

  const look = async (): Promise<void> => {
    try {
      if (session?.usable !== true) session = await dialect.connect(address, DEADLINE_MS);
      const late = setTimeout(() => session?.destroy(), DEADLINE_MS);
      try {
        for (const id of await session.ids(highest - OVERLAP)) {
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
    stop: async () => {
      ending.abort();
      await watching;
    },
  };
};
