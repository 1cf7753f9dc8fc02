import type { Acknowledgement } from '../database.ts';
import type { Instant } from '../instant.ts';
import type { Position } from '../position.ts';

/** What this process knows of the demand of its own database. Proven means: by the result of a task (rule D7; A8). */
export interface Demand {
  /** In force in the running primary; undefined: not known. */
  readonly proven: Acknowledgement | undefined;
  /** Proven on the replica: in force from the first instant of its promotion. */
  readonly prepared: Acknowledgement | undefined;
  /** The end of the log when `proven` had been proven: what comes later is acknowledged under it. */
  readonly mark: Position | undefined;
  /** A commit was acknowledged under `proven`. */
  readonly committed: boolean;
  /** A publication of ours may still happen: nothing is changed before a later one has succeeded (rule D2). */
  readonly unsettled: boolean;
  /** Since when no voter has been connected to the primary. */
  readonly aloneSince: Instant | undefined;
}

export const UNKNOWN_DEMAND: Demand = {
  proven: undefined,
  prepared: undefined,
  mark: undefined,
  committed: false,
  unsettled: true,
  aloneSince: undefined,
};
