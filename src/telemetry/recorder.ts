import type { Clock } from '../ports/clock.ts';
import type { AgentEvent, EventSource } from '../ports/events.ts';

/** The flight recorder: the last events in memory, for `/events` and for whoever looks after an incident. */
export interface Recorder extends EventSource {
  record(level: AgentEvent['level'], event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** JSON lines, oldest first. */
  dump(): string;
}

const KEPT = 500;

export const createRecorder = (deps: { readonly clock: Pick<Clock, 'wall'>; readonly keep?: number }): Recorder => {
  const keep = deps.keep ?? KEPT;
  const listeners = new Set<(event: AgentEvent) => void>();
  let events: readonly AgentEvent[] = [];
  let next = 1;
  return {
    recent: () => events,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    record: (level, event, message, fields = {}) => {
      const recorded: AgentEvent = { id: next, at: deps.clock.wall(), event, level, message, fields };
      next += 1;
      events = [...events.slice(1 - keep), recorded];
      for (const listener of listeners) listener(recorded);
    },
    dump: () => events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  };
};
