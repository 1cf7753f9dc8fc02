/** What `work` resolves to, or what `onAbort` says as soon as the signal is aborted. Leaves no listener behind. */
export const untilAborted = async <T>(work: Promise<T>, signal: AbortSignal, onAbort: () => T): Promise<T> => {
  if (signal.aborted) return onAbort();
  const aborted = Promise.withResolvers<T>();
  const abort = (): void => aborted.resolve(onAbort());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};
