/** How the agent was asked to stop. */
export type StopHow = 'leave' | 'full';

interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * Resolves at the first signal that asks to stop: SIGTERM leaves the database running (restart, upgrade), SIGINT stops it
 * too. A second SIGINT or SIGTERM while stopping ends the process at once.
 */
export const untilSignal = (source: SignalSource, closed: AbortSignal): Promise<StopHow> =>
  new Promise((resolve) => {
    let asked = false;
    const ask = (how: StopHow) => (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve(how);
    };
    const leave = ask('leave');
    const full = ask('full');
    source.on('SIGTERM', leave);
    source.on('SIGINT', full);
    closed.addEventListener(
      'abort',
      () => {
        source.off('SIGTERM', leave);
        source.off('SIGINT', full);
      },
      { once: true },
    );
  });
