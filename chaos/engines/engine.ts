import type { Proc } from '../lab/proc.ts';
import type { Lab, LabArchive } from '../lab/lab.ts';
import type { Dialect } from '../workload/dialect.ts';

/** What faults and checks do to a database that differs from engine to engine. */
export interface Engine {
  readonly dialect: Dialect;
  /** A process of the server that answers one client (and not one that sends the log to a replica). */
  servesClients(proc: Proc): boolean;
  /** A program that copies the data of another member. */
  copiesData(proc: Proc): boolean;
  /** A program that takes the member's data back to where its log parted from the primary's. */
  rewindsData(proc: Proc): boolean;
  /** A process of the server that sends the log to a replica. */
  sendsLog(proc: Proc): boolean;
  /** Makes a replica writable without asking its agent. */
  promoteByHand(lab: Lab, replica: string): Promise<void>;
  /** Makes the primary remove log that the member, which is down, has not received. */
  removeLog(lab: Lab, primary: string, away: string): Promise<void>;
  /** Begins a long query on each replica and makes replay wait for it. Returns what ends the queries. */
  blockReplay(lab: Lab, primary: string, replicas: readonly string[]): Promise<() => void>;
  /** Completes a file of the log, so that it can be archived. */
  switchLog(lab: Lab, primary: string): Promise<void>;
  /** Writes so much that the log needs more room. The server may end under it. */
  useLog(lab: Lab, primary: string): Promise<void>;
  /** Files that an archive lacks between its first and its last. */
  archiveHoles(archive: LabArchive): Promise<readonly string[]>;
  /** The slots of a server: for whom it keeps log; undefined where the engine knows none. */
  slots(lab: Lab, member: string): Promise<readonly Slot[] | undefined>;
}

/** One promise of a server to keep log for somebody. */
export interface Slot {
  readonly name: string;
  readonly active: boolean;
  /** The log that it stands for is gone: nobody can use it any more. */
  readonly lost: boolean;
}
