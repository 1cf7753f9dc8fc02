import { ms } from '../../../src/core/brand.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { StoreError, Watch, WatchListener } from '../../../src/ports/consensus.ts';
import { between, type ClientFaults } from './faults.ts';
import type { Commit } from './server.ts';

/** One client's watch on one prefix: a stream that hangs, breaks, comes back and may keep events to itself. */
export interface ModelWatch extends Watch {
  /** Something was committed. */
  committed(commit: Commit): void;
  /** The client's faults, or whether there is a leader, may have changed. */
  linkChanged(): void;
  /** The stream breaks now (reset, compaction); it is made again. */
  interrupt(why: string): void;
  /** Events wait that could not be delivered yet. */
  behind(): boolean;
}

export interface WatchingDeps {
  readonly clientClock: Clock;
  readonly random: () => number;
  readonly faults: () => ClientFaults;
  readonly hasLeader: () => boolean;
}

/** The adapter's own times: silence it bears, pause between two streams. */
const SILENCE_MS: readonly [number, number] = [3_000, 4_000];
const PAUSE_MS: readonly [number, number] = [100, 300];

export const createModelWatch = (prefix: string, listener: WatchListener, deps: WatchingDeps): ModelWatch => {
  const { clientClock, random, faults } = deps;
  let state: 'connecting' | 'live' | 'closed' = 'connecting';
  let held = false;
  let cutSince: number | undefined;
  const timers = new Set<() => void>();

  const later = (delay: number, run: () => void): void => {
    const stop = clientClock.timer(ms(delay), () => {
      timers.delete(stop);
      if (state !== 'closed') run();
    });
    timers.add(stop);
  };
  const linked = (): boolean => deps.hasLeader() && faults().cut === 'none';

  const connect = (): void => {
    state = 'connecting';
    later(between(PAUSE_MS, random) + 2 * between(faults().latency, random), () => {
      // Without a link the next attempt comes from `linkChanged`.
      if (state !== 'connecting' || !linked()) return;
      state = 'live';
      held = false;
      listener.changed();
    });
  };
  const lose = (code: StoreError['code'], message: string): void => {
    if (state !== 'live') return;
    connect();
    listener.lost({ code, message });
  };
  const deliver = (): void => later(between(faults().watchDelay, random), () => state === 'live' && listener.changed());

  connect();
  return {
    committed: ({ keys }) => {
      if (state !== 'live' || !keys.some((key) => key.startsWith(prefix))) return;
      if (!linked()) held = true;
      else if (faults().lostHints === 0 || random() >= faults().lostHints) deliver();
    },
    linkChanged: () => {
      if (state === 'closed') return;
      if (linked()) {
        cutSince = undefined;
        if (state === 'connecting') connect();
        else if (held) {
          held = false;
          deliver();
        }
      } else if (cutSince === undefined) {
        const since = clientClock.now().mono;
        cutSince = since;
        later(between(SILENCE_MS, random), () => cutSince === since && lose('deadline', 'the stream fell silent'));
      }
    },
    interrupt: (why) => lose('unavailable', why),
    behind: () => held,
    close: () => {
      state = 'closed';
      for (const stop of timers) stop();
      timers.clear();
    },
  };
};
