/** Something that the agent did or noticed, as operators read it. */
export interface AgentEvent {
  /** Grows with each event of one life of the agent. */
  readonly id: number;
  /** Wall clock milliseconds. */
  readonly at: number;
  /** Stable name, as in the log. */
  readonly event: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Where events can be read: the newest ones, and all that follow. */
export interface EventSource {
  recent(): readonly AgentEvent[];
  /** Calls back for each new event, until the returned function is called. The listener must not throw. */
  subscribe(listener: (event: AgentEvent) => void): () => void;
}
