import type { Address, Dialect, Session } from './dialect.ts';

/** One client that does something again and again, on a connection that it keeps until it breaks. */
export interface Loop {
  /** Ends the turn that is under way by ending its connection. Can be called twice. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly address: Address;
  readonly dialect: Dialect;
  /** Between the end of one turn and the beginning of the next, in milliseconds. */
  readonly everyMs: number;
  /** A turn that takes longer loses its connection. */
  readonly deadlineMs: number;
}

const CONNECT_MS = 1_000;

/** Takes turns until stopped. A turn that fails loses its connection and nothing else: it notes itself what it must. */
export const startLoop = (options: LoopOptions, turn: (session: Session) => Promise<void>): Loop => {
  const ending = new AbortController();
  let session: Session | undefined;

  const takeTurn = async (): Promise<void> => {
    try {
      if (session?.usable !== true) session = await options.dialect.connect(options.address, CONNECT_MS);
      const used = session;
      const late = setTimeout(() => used.destroy(), options.deadlineMs);
      try {
        await turn(used);
      } finally {
        clearTimeout(late);
      }
    } catch {
      session?.destroy();
    }
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await takeTurn();
      await new Promise((resolve) => setTimeout(resolve, options.everyMs));
    }
    session?.destroy();
  };
  const running = run();
  return {
    stop: async () => {
      ending.abort();
      session?.destroy();
      await running;
    },
  };
};
