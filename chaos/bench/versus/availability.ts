import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PROXY } from '../../workload/workload.ts';

/** Acknowledged writes a second, by time since the fault. */
export interface Availability {
  /** Seconds since the fault at which the first of `counts` begins; negative: before it. */
  readonly fromSeconds: number;
  readonly stepSeconds: number;
  /** By slot: through the proxy, and straight to the members. */
  readonly proxied: readonly number[];
  readonly direct: readonly number[];
}

/** What the plot needs of one try to write. */
const noted = z.object({ writer: z.string(), completed: z.number(), outcome: z.object({ kind: z.string() }) });
export type Noted = z.infer<typeof noted>;

const STEP_MS = 100;

/** Counts the acknowledgements in slots of 100 ms, from `beforeMs` before the fault to `afterMs` after it. */
export const availabilityOf = (
  attempts: readonly Noted[],
  faultAt: number,
  span: { readonly beforeMs: number; readonly afterMs: number },
): Availability => {
  const slots = Math.ceil((span.beforeMs + span.afterMs) / STEP_MS);
  const from = faultAt - span.beforeMs;
  const count = (proxied: boolean): readonly number[] => {
    const counts = Array.from({ length: slots }, () => 0);
    for (const { writer, completed, outcome } of attempts) {
      const slot = Math.floor((completed - from) / STEP_MS);
      const counted = outcome.kind === 'ok' && (writer === PROXY) === proxied && slot >= 0 && slot < slots;
      if (counted) counts[slot] = (counts[slot] ?? 0) + 1;
    }
    return counts.map((acks) => (acks * 1_000) / STEP_MS);
  };
  return {
    fromSeconds: -span.beforeMs / 1_000,
    stepSeconds: STEP_MS / 1_000,
    proxied: count(true),
    direct: count(false),
  };
};

/** What a workload noted, from the byte on at which this run began to note. */
export const readJournal = (file: string, fromByte: number): readonly Noted[] =>
  readFileSync(file)
    .subarray(fromByte)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => noted.parse(JSON.parse(line)));
