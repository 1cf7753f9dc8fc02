import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Ms } from '../../core/brand.ts';
import type { GuardTarget } from '../../ports/guard.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import { encodeLine, ORDER_VARIABLE, TOKEN_VARIABLE, type GuardOrder } from './guard-protocol.ts';
import { GUARD_FLAGS } from './node-flags.ts';

/** Where a guard lives and what it is told at its start. */
export interface GuardPlace {
  readonly socket: string;
  /** In a run-time folder (memory): the deadline outlives the guard in it. */
  readonly stateFile: string;
  readonly target: GuardTarget;
  /** Identity of cluster and member: orders without it are refused. */
  readonly token: string;
  /** Used for orders that bring none of their own. */
  readonly fenceBudget: Ms;
  readonly watchdog?: string;
  /** `off`: a guard that is not told the database's port keeps nobody away from it. Default `auto`. */
  readonly cutPort?: 'auto' | 'off';
  /** The guard's program (src/bin/haagent-guard.ts as installed); without it guards are only looked for, init starts them. */
  readonly entry?: string;
  /** File that a started guard's log goes to. */
  readonly output: string;
}

/**
 * Starts a guard in a session of its own: it outlives this process. With `order` it knows the newest deadline from its birth:
 * the one that a hung predecessor saved may be due already.
 */
export const startGuard = async (
  processes: Processes,
  place: GuardPlace,
  entry: string,
  order: GuardOrder | undefined,
): Promise<ProcessId> => {
  const { socket, stateFile, target, fenceBudget, watchdog, output, token, cutPort } = place;
  for (const path of [socket, stateFile, output]) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const options = {
    socket,
    state: stateFile,
    'data-dir': target.dataDir,
    'replica-mark': target.replicaMark,
    'fence-budget': fenceBudget,
    ...(cutPort === 'off' ? {} : { port: target.port, listen: target.listen }),
    uid: target.uid,
    gid: target.gid,
    watchdog,
  };
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  return processes.launch({
    file: process.execPath,
    args: [...GUARD_FLAGS, entry, ...args],
    env: {
      [TOKEN_VARIABLE]: token,
      ...(order === undefined ? {} : { [ORDER_VARIABLE]: encodeLine({ id: 0, ...order }).trim() }),
    },
    output,
  });
};

/** The guard that wrote the pid file beside its socket, if it lives. */
export const guardProcess = (processes: Processes, socket: string): ProcessId | undefined => {
  try {
    const [pid, startTime] = readFileSync(`${socket}.pid`, 'utf8').trim().split(' ');
    const id = { pid: Number(pid), startTime: startTime ?? '' };
    return processes.alive(id) ? id : undefined;
  } catch {
    return undefined;
  }
};
