import { closeSync, openSync, readSync } from 'node:fs';
import type { ProcessId } from '../../ports/processes.ts';
import { isDead, parseStat } from './proc.ts';

/** Tells again and again whether one process lives, much cheaper than looking it up anew each time. */
export interface Life {
  lasts(): boolean;
  /** Can be called twice. */
  close(): void;
}

/** More than /proc/<pid>/stat ever holds. */
const LONGEST_STAT = 1_024;
const [SPACE, BRACKET, ZOMBIE, DEAD] = [0x20, 0x29, 0x5a, 0x58];

/** The open file stands for that one process: when another gets its number, reading fails all the same. */
export const openLife = (id: ProcessId): Life => {
  const text = Buffer.alloc(LONGEST_STAT);
  let file = openStat(id.pid);

  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const read = (): string | undefined => {
    if (file === undefined) return undefined;
    try {
      const size = readSync(file, text, 0, text.length, 0);
      const end = text.subarray(0, size).lastIndexOf(BRACKET);
      const state = text[end + 2];
      const running = end > 0 && text[end + 1] === SPACE && state !== ZOMBIE && state !== DEAD;
      return running ? 'running' : text.toString('latin1', 0, size);
    } catch {
      return undefined;
    }
  };

  const stat = file === undefined ? undefined : parseFrom(file, text);
  if (stat?.startTime !== id.startTime) close();
  return {
    lasts: () => {
      const seen = read();
      if (seen === undefined || seen === 'running') return seen !== undefined;
      const found = parseStat(seen);
      return found !== undefined && !isDead(found);
    },
    close,
  };
};

const openStat = (pid: number): number | undefined => {
  try {
    return openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return undefined;
  }
};

const parseFrom = (file: number, text: Buffer): ReturnType<typeof parseStat> => {
  try {
    return parseStat(text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)));
  } catch {
    return undefined;
  }
};
