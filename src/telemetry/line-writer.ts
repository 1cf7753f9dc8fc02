import { close, constants, mkdirSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';

/** Where the log's lines go. */
export interface LineWriter {
  write(line: string): void;
  /** Opens the file again under its name. Nothing happens for standard output. */
  reopen(): void;
  /** Writes what waits, for at most half a second, and closes. Can be called twice. */
  close(): void;
  /** Lines that were thrown away because nobody read. */
  dropped(): number;
}

/** Bytes that may wait for a reader that does not read. */
const MOST_WAITING = 4 * 1024 * 1024;
/** Bytes in one write. */
const CHUNK = 64 * 1024;
const AGAIN_AFTER_MS = 50;
const LAST_TRIES = 50;
const LAST_TRY_MS = 10;
const STUCK_AFTER_MS = 200;

/**
 * Writes lines to a file, or to standard output, in their order and without ever making the caller wait or fail: a
 * reader that stalls must not delay a heartbeat (invariant I18), and a full disk must not end the agent. Lines beyond
 * 4 MiB of waiting ones are dropped and counted.
 */
export const createLineWriter = (path: string | undefined): LineWriter => {
  let file = path === undefined ? openStandardOutput() : openLog(path);
  let waiting: string[] = [];
  /** Taken from `waiting`, not yet written. */
  let chunk: Buffer | undefined;
  let size = 0;
  /** When the write under way was begun (performance clock). */
  let writing: number | undefined;
  let scheduled = false;
  let retry: NodeJS.Timeout | undefined;
  let dropped = 0;
  let closed = false;

  /** At the end of the turn: what one turn of the event loop logs becomes one write. */
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      pump();
    });
  };

  const pump = (): void => {
    if (closed || writing !== undefined || retry !== undefined) return;
    if (chunk === undefined && waiting.length > 0) chunk = Buffer.from(takeChunk(waiting));
    if (chunk === undefined) return;
    const to = file;
    writing = performance.now();
    write(to, chunk, (error, written) => {
      writing = undefined;
      if (to !== file || closed) release(to);
      if (error?.code === 'EAGAIN') return wait();
      settle(error === null ? written : undefined);
      return pump();
    });
  };

  /** So many bytes of the chunk are out; undefined: it cannot be written at all. */
  const settle = (written: number | undefined): void => {
    const length = chunk?.length ?? 0;
    const done = written ?? length;
    if (written === undefined) dropped += 1;
    size -= done;
    chunk = done < length ? chunk?.subarray(done) : undefined;
  };

  const wait = (): void => {
    retry = setTimeout(() => {
      retry = undefined;
      pump();
    }, AGAIN_AFTER_MS);
    retry.unref();
  };

  return {
    write: (line) => {
      const bytes = Buffer.byteLength(line);
      if (closed || size + bytes > MOST_WAITING) {
        dropped += 1;
        return;
      }
      waiting.push(line);
      size += bytes;
      schedule();
    },
    reopen: () => {
      if (path === undefined || closed) return;
      const before = file;
      try {
        file = openLog(path);
      } catch {
        // The new place cannot be opened: the old one goes on.
        return;
      }
      // A write under way lets go of the old file itself.
      if (writing === undefined) release(before);
    },
    close: () => {
      if (closed) return;
      closed = true;
      clearTimeout(retry);
      const rest = Buffer.from(waiting.join(''));
      waiting = [];
      if (writing === undefined) {
        writeLast(file, chunk === undefined ? rest : Buffer.concat([chunk, rest]));
        release(file);
        return;
      }
      // The write under way is another thread's: a healthy one ends at once, a stuck one must not be waited for.
      if (performance.now() - writing > STUCK_AFTER_MS) return;
      pauseThread(LAST_TRY_MS);
      writeLast(file, rest);
    },
    dropped: () => dropped,
  };
};

/** Takes as many lines from the front as go well into one write; at least one. */
const takeChunk = (waiting: string[]): string => {
  let length = 0;
  const end = waiting.findIndex((line) => (length += line.length) > CHUNK);
  return waiting.splice(0, end < 0 ? waiting.length : Math.max(1, end)).join('');
};

const release = (file: number): void => {
  if (file !== 1) close(file, () => {});
};

/**
 * Standard output in a way that a write never blocks. A pipe, terminal or file is opened once more, so that its other
 * users keep theirs as it was; a socket (as systemd gives) cannot be, and is itself made non-blocking.
 */
const openStandardOutput = (): number => {
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    new Socket({ fd: 1, readable: false, writable: true }).unref();
    return 1;
  }
};

const openLog = (path: string): number => {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o640);
};

/** The last words of a process: tried for half a second. */
const writeLast = (file: number, text: Buffer): void => {
  let rest = text;
  for (let tries = 0; rest.length > 0 && tries < LAST_TRIES;) {
    try {
      rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      tries += 1;
      pauseThread(LAST_TRY_MS);
    }
  }
};

/** Only for the last moments of a process: nothing else runs meanwhile. */
const pauseThread = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};
