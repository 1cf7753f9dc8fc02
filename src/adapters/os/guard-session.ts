import { connect, type Socket } from 'node:net';
import type { Ms } from '../../core/brand.ts';
import { StepError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { raceAbort, withDeadline } from './abort.ts';
import { encodeLine, parseMessage, type GuardMessage, type GuardOrder, type GuardReport } from './guard-protocol.ts';
import { readLines } from './lines.ts';

/** The guard understood the order and does not follow it. */
export class GuardRefusal extends StepError {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super('refused', message);
    this.name = 'GuardRefusal';
    this.reason = reason;
  }
}

/** One connection to a guard. */
export interface GuardSession {
  /**
   * Gives an order and returns what the guard says it is now. Rejects with `GuardRefusal`, or with `StepError` code
   * `timed-out`, or `failed` when the connection ended first.
   */
  ask(order: GuardOrder, timeout: Ms, signal: AbortSignal): Promise<GuardReport>;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Connects; `undefined` when nobody listens at the socket. */
export const openGuardSession = async (
  path: string,
  clock: Clock,
  timeout: Ms,
  signal: AbortSignal,
  heard: (message: GuardMessage) => void,
): Promise<GuardSession | undefined> => {
  const socket = connect(path);
  socket.on('error', () => undefined);
  try {
    const connected = new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    return (await withDeadline(clock, timeout, signal, `connecting to the guard at ${path}`, () => connected))
      ? sessionOn(socket, path, clock, heard)
      : undefined;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};

const sessionOn = (
  socket: Socket,
  path: string,
  clock: Clock,
  heard: (message: GuardMessage) => void,
): GuardSession => {
  const waiting = new Map<number, (message: GuardMessage | undefined) => void>();
  let lastId = 0;
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const answer of waiting.values()) answer(undefined);
      resolve();
    });
  });
  const receive = (line: string): void => {
    const message = parseMessage(line);
    if (message === undefined) return;
    if ('id' in message && message.id !== undefined) waiting.get(message.id)?.(message);
    else heard(message);
  };
  readLines(socket, receive, () => socket.destroy());

  return {
    ended,
    close: () => socket.destroy(),
    ask: async (order, timeout, signal) => {
      const what = `asking the guard at ${path} to ${order.kind === 'state' ? 'tell its state' : order.kind}`;
      const id = ++lastId;
      try {
        const answer = await withDeadline(clock, timeout, signal, what, (aborted) =>
          raceAbort(
            new Promise<GuardMessage | undefined>((resolve) => {
              waiting.set(id, resolve);
              if (socket.destroyed) resolve(undefined);
              else socket.write(encodeLine({ id, ...order }));
            }),
            aborted,
          ),
        );
        if (answer?.kind === 'ack') return answer.report;
        if (answer?.kind === 'refused') throw new GuardRefusal(answer.code, `${what}: ${answer.code}: ${answer.why}`);
        throw new StepError('failed', `${what}: the connection ended before the answer`);
      } finally {
        waiting.delete(id);
      }
    },
  };
};
