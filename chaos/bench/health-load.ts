import { connect } from 'node:net';
import { quantile } from './stats.ts';

/** Health requests as load balancers send them. */
export interface Load {
  readonly what: string;
  readonly connections: number;
  readonly request: string;
  /** A new connection for each request, as HAProxy checks. */
  readonly fresh: boolean;
  /** Requests a second in all; undefined: as many as possible. */
  readonly pace?: number;
  /** Connections besides that say nothing. */
  readonly silent?: number;
}

export interface Measured {
  readonly answers: number;
  readonly perSecond: number;
  /** Milliseconds from the request (the connection, where it is a new one) to the whole answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export const KEPT = 'GET /primary HTTP/1.1\r\nHost: x\r\n\r\n';
/** What HAProxy sends with `option httpchk OPTIONS /primary`. */
export const CHECK = 'OPTIONS /primary HTTP/1.0\r\n\r\n';

/** One connection that asks, waits for the whole answer, and asks again. */
const ask = (load: Load, port: number, until: number, took: number[], delayMs: () => number): Promise<void> =>
  new Promise((resolve, reject) => {
    const open = (): void => {
      let sentAt = performance.now();
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let left = -1;
      const send = (): void => {
        if (performance.now() >= until) {
          socket.destroy();
          resolve();
          return;
        }
        if (!load.fresh) sentAt = performance.now();
        left = -1;
        socket.write(load.request);
      };
      const answered = (): void => {
        took.push(performance.now() - sentAt);
        const pause = delayMs();
        const next = load.fresh ? open : send;
        if (pause > 0) setTimeout(next, pause);
        else next();
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('close', () => {
        if (performance.now() >= until) resolve();
        else if (load.fresh) answered();
        else open();
      });
      socket.on('data', (chunk: Buffer) => {
        if (load.fresh) return;
        if (left < 0) {
          const end = chunk.indexOf('\r\n\r\n');
          const length = /content-length: (\d+)/i.exec(chunk.toString('latin1', 0, end));
          left = Number(length?.[1]) - (chunk.length - end - 4);
        } else left -= chunk.length;
        if (left <= 0) answered();
      });
    };
    open();
  });

/** Sends the load to a port of this host for so many seconds. Rejects when a connection fails. */
export const sendLoad = async (load: Load, port: number, seconds: number): Promise<Measured> => {
  const silent = Array.from({ length: load.silent ?? 0 }, () =>
    connect({ port, host: '127.0.0.1' }).on('error', () => undefined),
  );
  const took: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  let planned = began;
  const delay = (): number => {
    if (load.pace === undefined) return 0;
    planned += 1000 / load.pace;
    return Math.max(0, planned - performance.now());
  };
  await Promise.all(Array.from({ length: load.connections }, () => ask(load, port, until, took, delay)));
  for (const socket of silent) socket.destroy();
  return {
    answers: took.length,
    perSecond: Math.round((took.length / (performance.now() - began)) * 1000),
    p50: quantile(took, 0.5) ?? Number.NaN,
    p99: quantile(took, 0.99) ?? Number.NaN,
    max: quantile(took, 1) ?? Number.NaN,
  };
};
