import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { createGuard, type GuardClient } from '../../../src/adapters/os/guard-client.ts';
import { guardProcess, startGuard, type GuardPlace } from '../../../src/adapters/os/guard-starter.ts';
import { readAll } from '../../../src/adapters/os/proc.ts';
import { createProcesses } from '../../../src/adapters/os/processes.ts';
import { ms, revision, termOf, type Term } from '../../../src/core/brand.ts';
import { after, type Instant } from '../../../src/core/instant.ts';
import type { GuardEvent } from '../../../src/ports/guard.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { ProcessId } from '../../../src/ports/processes.ts';

export const clock = createClock();
export const processes = createProcesses({ clock });
export const term = (value: number): Term => termOf(revision(BigInt(value)));
export const signal = (): AbortSignal => AbortSignal.timeout(60_000);
const ENTRY = fileURLToPath(new URL('../../../src/bin/haagent-guard.ts', import.meta.url));
const AGENT = fileURLToPath(new URL('agent.ts', import.meta.url));

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/**
 * A sham database: the first process ignores SIGTERM and starts one child that writes, one in a session of its own, one
 * that is stopped, and one that stands elsewhere; each would go on for ever.
 */
const SHAM = `trap '' TERM
(trap '' TERM; while :; do echo x >> writes; sleep 0.02; done) &
setsid sh -c "trap '' TERM; while :; do sleep 1; done" &
sleep 1000 & kill -STOP $!
(cd /; exec sleep 1001) &
echo up > "$1"
while :; do sleep 1; done`;

export type Lab = Awaited<ReturnType<typeof createLab>>;

/** A folder with a data directory, and everything a test starts, ended by `close`. */
export const createLab = async (options: { readonly fenceBudget?: number; readonly watchdog?: string } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'haagent-guard-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const mark = join(data, 'replica.mark');
  mkdirSync(data);
  const place: GuardPlace = {
    socket: join(folder, 'run', 'guard.sock'),
    stateFile: join(folder, 'run', 'guard.state'),
    target: { dataDir: data, replicaMark: mark },
    token: 'cluster one, member a',
    fenceBudget: ms(options.fenceBudget ?? 500),
    entry: ENTRY,
    output: join(folder, 'guard.log'),
    ...(options.watchdog === undefined ? {} : { watchdog: join(folder, options.watchdog) }),
  };
  const launched: ProcessId[] = [];
  const clients: GuardClient[] = [];

  const launch = async (file: string, args: readonly string[], cwd = '/'): Promise<ProcessId> => {
    const id = await processes.launch({ file, args, cwd, output: join(folder, 'launch.log') });
    launched.push(id);
    return id;
  };
  const guard = (): ProcessId | undefined => guardProcess(processes, place.socket);
  const kill = (id: ProcessId | undefined): void => {
    if (id !== undefined) processes.signal(id, 'SIGKILL');
  };
  /** As an agent's, but it starts no guard: for one that runs on another network. */
  const visitor = (target: GuardPlace['target']): GuardClient & { readonly events: GuardEvent[] } => {
    const { entry: _, ...without } = place;
    return connectTo({ ...without, target });
  };
  const client = (over: Partial<GuardPlace> = {}): GuardClient & { readonly events: GuardEvent[] } =>
    connectTo({ ...place, ...over });
  const connectTo = (where: GuardPlace): GuardClient & { readonly events: GuardEvent[] } => {
    const made = createGuard({ processes, clock, log: silent, place: where });
    const events: GuardEvent[] = [];
    made.onEvent((event) => events.push(event));
    clients.push(made);
    return { ...made, events };
  };

  return {
    folder,
    data,
    mark,
    place,
    guard,
    launch,
    client,
    visitor,
    kill,
    neighbour: () => launch('/bin/sleep', ['1002'], folder),
    /** Starts the sham database and waits until all of it is there. */
    database: async (): Promise<ProcessId> => {
      const up = join(folder, `up-${launched.length}`);
      const id = await launch('/bin/sh', ['-c', SHAM, 'sham', up], data);
      await vi.waitFor(() => {
        if (!existsSync(up) || processes.within(data).length < 5) throw new Error('not up');
      }, 3_000);
      return id;
    },
    /** An agent in a process of its own that arms the guard for `term` every 200 ms, for `right` ms ahead. */
    agent: (t: number, right: number) =>
      launch(process.execPath, [AGENT, JSON.stringify(place), String(t), String(right)]),
    startGuard: () => startGuard(processes, place, ENTRY, undefined),
    guardArguments: (): readonly string[] =>
      readFileSync(`/proc/${guard()!.pid}/cmdline`, 'utf8').split('\0').slice(1, -1),
    log: (): string => (existsSync(place.output) ? readFileSync(place.output, 'utf8') : ''),
    /** Sends one raw line and returns what comes back, or `closed`. */
    say: (line: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(place.socket);
        socket.once('data', (answer) => {
          resolve(answer.toString());
          socket.destroy();
        });
        socket.on('error', () => undefined);
        socket.once('close', () => resolve('closed'));
        socket.write(`${line}\n`);
      }),
    close: async (): Promise<void> => {
      for (const made of clients) await made.close();
      await vi.waitFor(() => {
        const left = [...launched.filter((id) => processes.alive(id)), ...started(folder), ...processes.within(data)];
        for (const id of left) kill(id);
        if (left.length > 0) throw new Error('still running');
      }, 10_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Every process that was told of the folder: guards and agents, also those that no test knows of. */
const started = (folder: string): readonly ProcessId[] =>
  [...readAll().values()].filter(({ pid }) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });

/** All of the sham database is there: its five processes, besides the short pauses between what they do. */
export const isUp = (lab: Lab): boolean => processes.within(lab.data).length >= 5;

export const ahead = (by: number): Instant => after(clock.now(), ms(by));
/** The signal is for a whole file of tests, on a busy machine. */
export const order = { timeout: ms(5_000), signal: AbortSignal.timeout(600_000) };

/** Waits until nothing of the database is left, and says when (monotonic milliseconds). */
export const gone = async (lab: Lab, within: number): Promise<number> => {
  await vi.waitFor(
    () => {
      if (processes.within(lab.data).length > 0) throw new Error('the database still runs');
    },
    { timeout: within, interval: 10 },
  );
  return clock.now().mono;
};

export const writeState = (lab: Lab, state: object): void => {
  mkdirSync(join(lab.folder, 'run'), { recursive: true });
  writeFileSync(lab.place.stateFile, JSON.stringify(state));
};
