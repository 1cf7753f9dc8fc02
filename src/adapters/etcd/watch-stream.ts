import { status as grpcStatus } from '@grpc/grpc-js';
import type { IDuplexStream, IWatchRequest, IWatchResponse } from 'etcd3';
import { ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Answer, Connection, Opened } from './connection.ts';
import { rangeOf } from './encoding.ts';
import { cancelledFault, faultOf, type Fault } from './faults.ts';

type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>;

export interface StreamEvents {
  created(): void;
  changed(): void;
}

const TIMES = {
  /** From the request to `created`. */
  create: ms(1_500),
  /** After this long without a word a sign of life is asked for … */
  progress: ms(2_000),
  /** … and after this long without one the stream counts as dead: half-open connections never say so. */
  silence: ms(3_000),
};

/** Follows one watch stream from now on, until it fails or the signal is aborted. Resolves to why it ended. */
export const followStream = async (
  prefix: string,
  connection: Connection,
  events: StreamEvents,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Fault> => {
  const opened: Answer<Opened<WatchStream>> = await connection.open(
    async (client, callOptions) => client.watchClient.watch(callOptions),
    { timeout: TIMES.create, signal: options.signal, endless: true },
  );
  if (opened.kind === 'fault') return opened.fault;
  const { stream } = opened.value;
  const ended = Promise.withResolvers<Fault>();
  const abort = (): void => ended.resolve(cancelledFault('the watch was closed', 'no'));
  options.signal.addEventListener('abort', abort, { once: true });
  const stopTimers = listen(prefix, opened.value, events, options.clock, ended.resolve);
  try {
    if (options.signal.aborted) abort();
    return await ended.promise;
  } finally {
    options.signal.removeEventListener('abort', abort);
    stopTimers();
    stream.cancel();
  }
};

const listen = (
  prefix: string,
  { stream, status }: Opened<WatchStream>,
  events: StreamEvents,
  clock: Clock,
  end: (fault: Fault) => void,
): (() => void) => {
  let heard = clock.now();
  let ended = false;
  const fail = (code: number, details: string): void => {
    ended = true;
    end(faultOf({ code, details }));
  };
  const over = (): void => {
    const seen = status();
    fail(seen?.code ?? grpcStatus.UNAVAILABLE, seen?.details ?? 'the stream ended');
  };
  stream.on('error', over);
  stream.on('end', over);
  stream.on('data', (answer) => {
    heard = clock.now();
    if (ended) return;
    if (answer.canceled) return fail(grpcStatus.UNKNOWN, reasonOf(answer));
    if (answer.created) {
      stopCreate();
      events.created();
    }
    if (answer.events.length > 0) events.changed();
  });
  const stopCreate = clock.timer(TIMES.create, () => fail(grpcStatus.DEADLINE_EXCEEDED, 'the watch was not created'));
  let stopTick = (): void => {};
  let asked = false;
  const tick = (): void => {
    const quietFor = elapsedAtMost(heard, clock.now());
    if (quietFor >= TIMES.silence) return fail(grpcStatus.DEADLINE_EXCEEDED, 'the stream fell silent');
    if (quietFor < TIMES.progress) asked = false;
    else if (!ended && !asked) {
      asked = true;
      stream.write({ progress_request: {} });
    }
    stopTick = clock.timer(ms((asked ? TIMES.silence : TIMES.progress) - quietFor), tick);
  };
  stream.write({ create_request: rangeOf(prefix) });
  stopTick = clock.timer(TIMES.progress, tick);
  return () => {
    ended = true;
    stopCreate();
    stopTick();
  };
};

const reasonOf = (answer: IWatchResponse): string =>
  answer.compact_revision === '0'
    ? `etcd cancelled the watch: ${answer.cancel_reason || 'no reason given'}`
    : `etcd cancelled the watch: compacted at revision ${answer.compact_revision}`;
