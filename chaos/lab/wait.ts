export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks `probe` every `everyMs` until it gives something other than undefined or false, and returns that.
 * Throws after `deadlineMs`, with what was waited for and what `describe` says of the state then.
 */
export const waitFor = async <T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: {
    readonly deadlineMs: number;
    readonly everyMs?: number;
    readonly describe?: () => Promise<string> | string;
    /** Ends the wait at once, with the signal's reason. */
    readonly signal?: AbortSignal;
  },
): Promise<T> => {
  const begun = performance.now();
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - begun > options.deadlineMs) {
      const state = options.describe === undefined ? '' : `\n${await options.describe()}`;
      throw new Error(`waited ${options.deadlineMs} ms in vain: ${what}${state}`);
    }
    await pause(options.everyMs ?? 50);
  }
};
