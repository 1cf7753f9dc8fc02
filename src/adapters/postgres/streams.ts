import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { ProcessInfo } from '../../ports/processes.ts';
import { createHeard } from './heard.ts';
import type { RunningAnswer } from './running-query.ts';
import type { Site } from './site.ts';

/**
 * What the two ends of the log's streams say over time: when they were last heard, and since when one has ended. Their processes can
 * be watched, so that an end is known at once and not at the next look.
 */
export interface Streams {
  /**
   * Told of every answer of the server, at the moment of the question. `closely`: the end of a stream must be known at once
   * (an election hangs on it in the synchronous modes); else the next look is soon enough, and a resting agent sleeps longer.
   */
  saw(answer: RunningAnswer, at: Instant, closely: boolean): void;
  /** Age of the source's last message. */
  sourceHeardAgoMs(): number | undefined;
  /** Age of the last message of the receiver that this sender serves. */
  receiverHeardAgoMs(sender: number): number | undefined;
  /** Since when a stream has been missing that was there. */
  endedAgoMs(): number | undefined;
  /** Calls back when a receiver or a sender has ended. */
  onEnd(listener: () => void): () => void;
  close(): void;
}

const SOURCE = 'source';

export const createStreams = ({ options }: Site): Streams => {
  const { clock, processes } = options;
  const heard = createHeard();
  const ages = new Map<string, number | undefined>();
  const watched = new Map<number, () => void>();
  const listeners = new Set<() => void>();
  let streaming: ProcessInfo | undefined;
  let endedAt: Instant | undefined;

  const ended = (pid: number): void => {
    watched.delete(pid);
    if (streaming?.pid === pid) {
      streaming = undefined;
      endedAt = clock.now();
    }
    for (const listener of listeners) listener();
  };

  const watch = (pids: ReadonlySet<number>): void => {
    for (const [pid, cancel] of watched)
      if (!pids.has(pid)) {
        cancel();
        watched.delete(pid);
      }
    for (const pid of pids) {
      const found = watched.has(pid) ? undefined : processes.find(pid);
      if (found !== undefined)
        watched.set(
          pid,
          processes.onExit(found, () => ended(pid)),
        );
    }
  };

  const sawReceiver = (replica: RunningAnswer['replica'], at: Instant): void => {
    const receiver = replica?.receiver ?? undefined;
    if (receiver?.status === 'streaming') {
      streaming = processes.find(receiver.pid ?? 0);
      endedAt = streaming === undefined ? (endedAt ?? at) : undefined;
    } else {
      if (streaming !== undefined) endedAt = at;
      streaming = undefined;
    }
    if (replica === null) endedAt = undefined;
    ages.set(SOURCE, heard.ageMs(SOURCE, receiver?.heard ?? undefined, at, receiver?.agoMs ?? undefined));
  };

  return {
    saw: (answer, at, closely) => {
      sawReceiver(answer.replica, at);
      for (const { pid, replied } of answer.replicas)
        ages.set(String(pid), heard.ageMs(String(pid), replied ?? undefined, at));
      const senders = answer.replicas.map(({ pid }) => pid);
      const receiver = answer.replica?.receiverPid ?? undefined;
      const living = new Set([SOURCE, ...senders.map(String)]);
      heard.keep(living);
      for (const key of ages.keys()) if (!living.has(key)) ages.delete(key);
      watch(new Set(closely ? [...(receiver === undefined ? [] : [receiver]), ...senders] : []));
    },
    sourceHeardAgoMs: () => ages.get(SOURCE),
    receiverHeardAgoMs: (sender) => ages.get(String(sender)),
    endedAgoMs: () => (endedAt === undefined ? undefined : elapsedAtMost(endedAt, clock.now())),
    onEnd: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      for (const cancel of watched.values()) cancel();
      watched.clear();
      listeners.clear();
    },
  };
};
