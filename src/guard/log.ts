import { writeSync } from 'node:fs';
import { encodeLine } from '../adapters/os/guard-protocol.ts';

/** One JSON line for what a guard does; nothing for what it merely checks. */
export type GuardLog = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Writes to standard error. A log that cannot be written never keeps the guard from its work. */
export const createGuardLog =
  (wall: () => number): GuardLog =>
  (event, fields = {}) => {
    try {
      writeSync(2, encodeLine({ time: new Date(wall()).toISOString(), event, pid: process.pid, ...fields }));
    } catch {
      // There is no other place to say it.
    }
  };
