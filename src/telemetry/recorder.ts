import type { Clock } from '../ports/clock.ts';
import type { AgentEvent, EventSource } from '../ports/events.ts';
import { redact, redactText } from './redact.ts';

/** The flight recorder: the last events in memory, for `/events` and for whoever looks after an incident. */
export interface Recorder extends EventSource {
  record(level: AgentEvent['level'], event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** JSON lines, oldest first. */
  dump(): string;
}

const KEPT = 500;

/** A recorder of the last `keep` events. What it keeps holds no secrets and can be printed as JSON. */
export const createRecorder = (deps: { readonly clock: Pick<Clock, 'wall'>; readonly keep?: number }): Recorder => {
  const keep = deps.keep ?? KEPT;
  const listeners = new Set<(event: AgentEvent) => void>();
  let events: readonly AgentEvent[] = [];
  let next = 1;
  return {
    recent: () => events,
    subscribe: (listener) => {
      // One more function, so that a listener given twice is called twice and each cancels its own.
      const entry = (event: AgentEvent): void => listener(event);
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    record: (level, event, message, fields = {}) => {
      const plain = redact(fields);
      const recorded: AgentEvent = {
        id: next,
        at: deps.clock.wall(),
        event,
        level,
        message: redactText(message),
        fields: typeof plain === 'object' && plain !== null ? { ...plain } : {},
      };
      next += 1;
      events = [...events, recorded].slice(-keep);
      for (const listener of listeners) listener(recorded);
    },
    dump: () => events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  };
};
