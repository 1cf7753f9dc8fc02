import { appendFileSync } from 'node:fs';
import type { Address, Dialect } from './dialect.ts';
import type { Attempt } from './history.ts';
import { startObserver, type Observer } from './observer.ts';
import { startWriter, type Writer } from './writer.ts';

/** The name of the writer that goes through the proxy. */
export const PROXY = 'proxy';

export interface WorkloadOptions {
  readonly dialect: Dialect;
  /** Every member: each has a writer and an observer of its own. */
  readonly members: readonly (Address & { readonly name: string })[];
  readonly proxy: Address | undefined;
  /** Time between two writes of one writer, in milliseconds. */
  readonly everyMs?: number;
  /** After this long a write counts as not acknowledged. */
  readonly deadlineMs?: number;
  /** Where every attempt is noted as a line of JSON, outside of what the faults touch. */
  readonly journal?: string;
  /** Also a writer to each member that opens a new connection for every write, this often, in milliseconds. */
  readonly freshEveryMs?: number;
}

/** Open-loop writers to every member and through the proxy: how an outage, a loss and a second primary are seen. */
export interface Workload {
  readonly attempts: readonly Attempt[];
  /** Ids that some member has shown while it was watched, by member. */
  readonly seen: ReadonlyMap<string, ReadonlySet<number>>;
  /** Ids that vanished within one session with a member, by member. */
  readonly vanished: ReadonlyMap<string, ReadonlySet<number>>;
  /** For whoever writes ids besides. */
  nextId(): number;
  record(attempt: Attempt): void;
  /** Ends the writers first, then the observers. Can be called twice. */
  stop(): Promise<void>;
}

/** Begins to write. The table must be there (`Session.createTable`). */
export const startWorkload = (options: WorkloadOptions): Workload => {
  const attempts: Attempt[] = [];
  let lastId = 0;
  const nextId = (): number => (lastId += 1);
  const record = (attempt: Attempt): void => {
    attempts.push(attempt);
    if (options.journal !== undefined) appendFileSync(options.journal, `${JSON.stringify(attempt)}\n`);
  };
  const begin = (name: string, address: Address, freshEveryMs?: number): Writer =>
    startWriter({
      name,
      address: { host: address.host, port: address.port },
      dialect: options.dialect,
      nextId,
      record,
      everyMs: freshEveryMs ?? options.everyMs ?? 20,
      deadlineMs: options.deadlineMs ?? 250,
      fresh: freshEveryMs !== undefined,
    });
  const observers = new Map<string, Observer>(
    options.members.map(({ name, host, port }) => [name, startObserver({ host, port }, options.dialect)]),
  );
  const writers = options.members.map((member) => begin(member.name, member));
  if (options.proxy !== undefined) writers.push(begin(PROXY, options.proxy));
  if (options.freshEveryMs !== undefined)
    for (const member of options.members) writers.push(begin(`${member.name} anew`, member, options.freshEveryMs));
  return {
    attempts,
    nextId,
    record,
    vanished: new Map([...observers].map(([name, observer]) => [name, observer.vanished])),
    seen: new Map([...observers].map(([name, observer]) => [name, observer.seen])),
    stop: async () => {
      await Promise.all(writers.map((writer) => writer.stop()));
      await Promise.all([...observers.values()].map((observer) => observer.stop()));
    },
  };
};
