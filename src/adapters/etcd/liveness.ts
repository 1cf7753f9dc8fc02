import { ms } from '../../core/brand.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Answer, Connection, Limits, Request } from './connection.ts';
import type { Fault } from './faults.ts';
import type { TryLimits } from './tries.ts';

/** Asks a server something that it answers by itself, without the others. Any answer, also a refusal, is a sign of life. */
export const ping = async (connection: Connection, limits: Limits): Promise<Answer<'alive'>> => {
  const answer = await connection.ask(async (client, options) => client.maintenance.status(options), limits);
  return answer.kind === 'fault' && answer.fault.next !== 'stop' ? answer : { kind: 'ok', value: 'alive' };
};

const SILENT: Fault = {
  code: 'deadline',
  details: 'the server has stopped answering',
  executed: 'maybe',
  next: 'elsewhere',
  drop: true,
};

/**
 * Sends a request that must not be repeated, with all the time that is left, but gives it up as soon as the server does not
 * answer a ping beside it: that tells a hung server (ask another one soon) from an etcd that is electing (wait).
 */
export const sendWatched = async <T>(
  request: Request<T>,
  connection: Connection,
  limits: TryLimits,
  clock: Clock,
): Promise<Answer<T>> => {
  const giveUp = new AbortController();
  const abort = (): void => giveUp.abort();
  limits.signal.addEventListener('abort', abort, { once: true });
  let silent = false;
  let stopTimer = (): void => {};
  const pingLater = (): void => {
    stopTimer = clock.timer(ms(limits.timeout / 2), () => void pingNow());
  };
  const pingNow = async (): Promise<void> => {
    const alive = await ping(connection, { timeout: limits.timeout, signal: giveUp.signal });
    if (giveUp.signal.aborted) return;
    if (alive.kind === 'ok') return pingLater();
    silent = true;
    giveUp.abort();
  };
  pingLater();
  try {
    const answer = await connection.ask(request, { timeout: limits.left, signal: giveUp.signal });
    return answer.kind === 'fault' && silent ? { kind: 'fault', fault: SILENT } : answer;
  } finally {
    stopTimer();
    limits.signal.removeEventListener('abort', abort);
    giveUp.abort();
  }
};
