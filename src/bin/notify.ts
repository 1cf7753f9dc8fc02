import { ms, type Ms } from '../core/brand.ts';
import type { Clock } from '../ports/clock.ts';
import type { Processes } from '../ports/processes.ts';

/** What systemd is told of this process (sd_notify(3)). Without systemd nothing is told. */
export interface Notifier {
  /** `READY=1`: the API answers. An agent that waits for etcd is ready: it says so, and a boot must not wait for etcd. */
  ready(): Promise<void>;
  /**
   * From now on says `WATCHDOG=1` three times in the time that the unit allows (WatchdogSec), as long as `works` says so. An agent
   * whose event loop hangs, or whose loop decides nothing any more, is then killed and started again; the guard, which is no part
   * of that, keeps the right of its database meanwhile. Returns what ends it.
   */
  watch(works: () => boolean): () => void;
}

const SHARE = 3;

/** Node cannot send datagrams to unix sockets, so systemd's own program does (NotifyAccess=all). */
export const createNotifier = (deps: {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}): Notifier => {
  const { processes, clock, env } = deps;
  const socket = env['NOTIFY_SOCKET'];
  const closing = new AbortController();

  const say = async (message: string): Promise<void> => {
    if (socket === undefined) return;
    await processes.run({
      file: 'systemd-notify',
      args: [message],
      env: { NOTIFY_SOCKET: socket, PATH: env['PATH'] ?? '/usr/bin:/bin' },
      timeout: ms(5_000),
      signal: closing.signal,
    });
  };

  return {
    ready: () => say('READY=1'),
    watch: (works) => {
      const every = watchdogInterval(env, deps.pid);
      let cancel = (): void => undefined;
      const next = (): void => {
        if (every !== undefined && !closing.signal.aborted) cancel = clock.timer(every, beat);
      };
      const beat = (): void => {
        // What does not reach systemd is missed by its watchdog: nothing else is to be done about it.
        (works() ? say('WATCHDOG=1') : Promise.resolve()).catch(() => undefined).finally(next);
      };
      next();
      return () => {
        closing.abort(new Error('closing'));
        cancel();
      };
    },
  };
};

/** How often the watchdog wants to hear something; undefined where this process is not watched. */
const watchdogInterval = (env: Readonly<Record<string, string | undefined>>, pid: number): Ms | undefined => {
  const micros = Number(env['WATCHDOG_USEC'] ?? Number.NaN);
  const meant = env['WATCHDOG_PID'];
  return micros > 0 && (meant === undefined || Number(meant) === pid) ? ms(micros / 1_000 / SHARE) : undefined;
};
