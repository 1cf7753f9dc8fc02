import type { ScenarioName } from '../faults/faults.ts';

/** What one run of a scenario showed. Undefined: it could not be found out. */
export interface ScenarioReport {
  readonly engine: string;
  readonly scenario: ScenarioName;
  readonly oldPrimary: string;
  readonly newPrimary: string | undefined;
  /** When the fault began, on this process's monotonic clock (`performance.now`), as in the journal of the writes. */
  readonly faultAt: number;
  /** Longest time without an acknowledged write: by any member directly, and through the proxy. */
  readonly gapDirectMs: number | undefined;
  readonly gapProxyMs: number | undefined;
  readonly acked: number;
  /** Acknowledged and missing at the end although another member had received it. */
  readonly lost: number;
  /** Acknowledged and missing at the end, but no other member ever had it. */
  readonly unreplicated: number;
  readonly duplicates: number;
  /** Writes that a former primary acknowledged beside the new one, and for how long. */
  readonly dualWrites: number;
  readonly dualWriteMs: number;
  /** Acknowledged, but the server itself said that it had given up waiting for replicas. */
  readonly weakAcks: number;
  /** From the fault until every member was there again with the same rows; undefined when that did not happen in time. */
  readonly healedMs: number | undefined;
  /** What went wrong, as sentences; empty when the scenario passed. */
  readonly problems: readonly string[];
}

/** One run as every report of this project has it: a line of JSON. Lengths of time are in milliseconds, ttl in seconds. */
export interface RunRecord {
  readonly engine: string;
  readonly mode: string;
  readonly scenario: string;
  readonly ttl: number;
  /** The name of the other system that was measured; null: ours. */
  readonly peer: string | null;
  readonly rtoDirectMs: number | null;
  readonly rtoProxyMs: number | null;
  readonly acked: number;
  /** All that was acknowledged and is missing at the end, whoever else had it. */
  readonly lost: number;
  readonly dualWriteMs: number;
  readonly weakAcks: number;
  readonly rejoinMs: number | null;
  /** Every member was there again in time, without hands. */
  readonly settled: boolean;
  /** The machine's load average over the last minute. */
  readonly load: number;
  readonly passed: boolean;
}

export const recordOf = (
  report: ScenarioReport,
  run: { readonly mode: string; readonly ttlMs: number; readonly peer: string | null; readonly load: number },
): RunRecord => ({
  engine: report.engine,
  mode: run.mode,
  scenario: report.scenario,
  ttl: run.ttlMs / 1_000,
  peer: run.peer,
  rtoDirectMs: report.gapDirectMs ?? null,
  rtoProxyMs: report.gapProxyMs ?? null,
  acked: report.acked,
  lost: report.lost + report.unreplicated,
  dualWriteMs: report.dualWriteMs,
  weakAcks: report.weakAcks,
  rejoinMs: report.healedMs ?? null,
  settled: report.healedMs !== undefined,
  load: run.load,
  passed: report.problems.length === 0 && report.healedMs !== undefined,
});
