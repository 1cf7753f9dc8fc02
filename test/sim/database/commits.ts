import type { Acknowledgement } from '../../../src/core/database.ts';
import { NOBODY } from '../../../src/core/quorum/sets.ts';

/**
 * The commits of one server and who must acknowledge them, as PostgreSQL has it (07 A8): whether a commit waits at all is one
 * flag, set when the checkpointer has read the new setting; acknowledgements are counted by each sender with its own copy of the
 * setting, read at its own time; and taking the setting away acknowledges everything that waits.
 */
export interface Commits {
  /** What stands in the file: every process reads it when it starts, or when it is told to. */
  demand(): Acknowledgement;
  write(demand: Acknowledgement): void;
  /** The server starts, or ends: nothing waits, nobody sends, all have read the file. */
  begin(): void;
  /** The process that sets the flag reads the file. Returns up to where commits are acknowledged by that. */
  readFlag(): number | undefined;
  readSender(voter: string): void;
  /** Returns whether the commit is acknowledged at once. */
  commit(at: number): boolean;
  /** A voter says that it has everything up to here. Returns up to where commits are acknowledged by that. */
  flushed(voter: string, at: number, now: number): number | undefined;
  gone(voter: string): void;
  senders(): ReadonlyMap<string, Sender>;
  waiting(): number;
  isWaiting(at: number): boolean;
  /** Commits wait; else they are acknowledged at once. */
  waits(): boolean;
  /** Every demand by which some process would acknowledge a commit now. */
  inForce(): readonly Acknowledgement[];
}

export interface Sender {
  readonly demand: Acknowledgement;
  readonly flushed: number;
  readonly heardAt: number;
}

export const createCommits = (): Commits => {
  let file = NOBODY;
  let flag = NOBODY;
  let queue: number[] = [];
  const senders = new Map<string, Sender>();

  const release = (until: number): number | undefined => {
    const done = queue.filter((at) => at <= until);
    if (done.length === 0) return undefined;
    queue = queue.filter((at) => at > until);
    return Math.max(...done);
  };

  return {
    demand: () => file,
    write: (demand) => {
      file = demand;
    },
    begin: () => {
      queue = [];
      senders.clear();
      flag = file;
    },
    readFlag: () => {
      flag = file;
      return flag.acks === 0 ? release(Infinity) : undefined;
    },
    readSender: (voter) => {
      const sender = senders.get(voter);
      if (sender !== undefined) senders.set(voter, { ...sender, demand: file });
    },
    commit: (at) => {
      if (flag.acks === 0) return true;
      queue.push(at);
      return false;
    },
    flushed: (voter, at, now) => {
      const before = senders.get(voter);
      const own = { demand: before?.demand ?? file, flushed: Math.max(at, before?.flushed ?? 0), heardAt: now };
      senders.set(voter, own);
      const { voters, acks } = own.demand;
      if (acks === 0 || !voters.includes(voter)) return undefined;
      const places = voters
        .flatMap((each) => senders.get(each) ?? [])
        .map(({ flushed }) => flushed)
        .toSorted((a, b) => b - a);
      const reached = places[acks - 1];
      return reached === undefined ? undefined : release(reached);
    },
    gone: (voter) => void senders.delete(voter),
    senders: () => senders,
    waiting: () => queue.length,
    isWaiting: (at) => queue.includes(at),
    waits: () => flag.acks > 0,
    inForce: () => [
      ...(flag.acks === 0 ? [NOBODY] : []),
      ...[...senders].filter(([voter, { demand }]) => demand.voters.includes(voter)).map(([, { demand }]) => demand),
    ],
  };
};
