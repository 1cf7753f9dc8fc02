import type { Lab } from '../lab/lab.ts';
import { findProc, signalProc } from '../lab/proc.ts';

/** A fault, by the name that all reports use: how it is done to the primary, and how it is undone. */
export interface Fault {
  /** What is done, for people. */
  sentence(primary: string): string;
  /** Afterwards another member must be the primary; else the same may be. */
  readonly movesPrimary: boolean;
  /**
   * How long a former primary may acknowledge beside the new one, in milliseconds. Nothing but a pause of the whole host
   * allows any: there, nobody who could stop the database runs before the database does.
   */
  readonly toleratedOverlapMs: number;
  /** How long it lasts, where it is not undone as soon as the cluster takes writes again. In milliseconds. */
  readonly lastsMs?: (ttlMs: number) => number;
  /** Returns when it has taken effect. */
  inflict(lab: Lab, primary: string): Promise<void>;
  undo(lab: Lab, primary: string): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

export const faults = {
  switchover: {
    sentence: (primary) => `haagentctl switchover: ${primary} hands over to the best replica`,
    movesPrimary: true,
    toleratedOverlapMs: 0,
    inflict: (lab) => lab.switchover(),
    undo: nothing,
  },
  crash: {
    sentence: (primary) => `kill -9 of the postmaster of ${primary}: its database crashed, its host lives`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    inflict: async (lab, primary) => {
      const before = lab.processes(primary, 'database');
      await lab.kill(primary, 'postmaster');
      // The postmaster's children go on answering clients until somebody ends them.
      await lab.waitFor(
        `every process of the crashed server of ${primary} is gone`,
        () => Promise.resolve(before.every(({ pid, startTime }) => findProc(pid)?.startTime !== startTime)),
        { deadlineMs: 30_000, everyMs: 10 },
      );
    },
    undo: nothing,
  },
  failover: {
    sentence: (primary) => `kill -9 of agent, guard and database of ${primary} at once: its host is lost for a while`,
    movesPrimary: true,
    toleratedOverlapMs: 0,
    inflict: (lab, primary) => lab.kill(primary, 'all'),
    undo: (lab, primary) => lab.startMember(primary),
  },
  freeze: {
    sentence: (primary) =>
      `SIGSTOP of agent, guard and database of ${primary}: its host hangs past the ttl, then wakes up`,
    movesPrimary: true,
    toleratedOverlapMs: 250,
    inflict: (lab, primary) => lab.freeze(primary, 'all'),
    undo: (lab, primary) => lab.thaw(primary, 'all'),
  },
  'agent-kill': {
    sentence: (primary) => `kill -9 of the agent of ${primary}: init starts it again, the database never notices`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    inflict: (lab, primary) => lab.kill(primary, 'agent'),
    undo: nothing,
  },
  'agent-freeze': {
    sentence: (primary) => `SIGSTOP of the agent of ${primary} past the ttl: its guard must fence, another takes over`,
    movesPrimary: true,
    toleratedOverlapMs: 0,
    inflict: (lab, primary) => lab.freeze(primary, 'agent'),
    undo: (lab, primary) => lab.thaw(primary, 'agent'),
  },
  'guard-freeze': {
    sentence: (primary) =>
      `SIGSTOP of the guard of ${primary} past the ttl: the agent replaces it, nothing else happens`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    lastsMs: (ttlMs) => 2 * ttlMs,
    inflict: (lab, primary) => lab.freeze(primary, 'guard'),
    undo: (lab, primary) => lab.thaw(primary, 'guard'),
  },
  'backend-kill': {
    sentence: (primary) => `kill -9 of one backend of ${primary}: the server may be damaged and starts anew`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    inflict: (lab, primary) => {
      const postmasters = lab.processes(primary, 'postmaster').map(({ pid }) => pid);
      const backend = lab.processes(primary, 'database').find(({ pid }) => !postmasters.includes(pid));
      if (backend === undefined) throw new Error(`the server of ${primary} has no backend`);
      signalProc(backend, 'SIGKILL');
      return nothing();
    },
    undo: nothing,
  },
  'postmaster-freeze': {
    sentence: (primary) => `SIGSTOP of the postmaster of ${primary} past the ttl: sessions go on, nobody new gets in`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    lastsMs: (ttlMs) => 3 * ttlMs,
    inflict: (lab, primary) => lab.freeze(primary, 'postmaster'),
    undo: (lab, primary) => lab.thaw(primary, 'postmaster'),
  },
  'db-freeze': {
    sentence: (primary) =>
      `SIGSTOP of the whole server of ${primary} past the ttl: its agent ends it and starts it anew`,
    movesPrimary: false,
    toleratedOverlapMs: 0,
    inflict: (lab, primary) => lab.freeze(primary, 'database'),
    undo: (lab, primary) => lab.thaw(primary, 'database'),
  },
  'etcd-all': {
    sentence: () => 'SIGSTOP of every etcd server for twice the ttl: nobody can prove anything',
    movesPrimary: false,
    toleratedOverlapMs: 0,
    lastsMs: (ttlMs) => 2 * ttlMs,
    inflict: (lab) => lab.etcd.freeze(),
    undo: (lab) => lab.etcd.thaw(),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults);

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(faults, name);
