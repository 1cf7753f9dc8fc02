import { status as grpcStatus, type CallOptions } from '@grpc/grpc-js';
import type { Etcd3 } from 'etcd3';
import { ms, type Ms } from '../../core/brand.ts';
import { elapsedAtMost } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import { createClient, type TlsMaterial } from './client.ts';
import type { Endpoint } from './endpoint.ts';
import { cancelledFault, faultOf, type Fault, type Status } from './faults.ts';
import { untilAborted } from './until-aborted.ts';
import { createWire, type Wire } from './wire.ts';

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly serial: number;
  readonly tls: TlsMaterial | undefined;
  readonly login: Login | undefined;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'fault'; readonly fault: Fault };

/** The limits of one try. When the signal is aborted, the request is cancelled on the wire and the try ends at once. */
export interface Limits {
  readonly timeout: Ms;
  readonly signal: AbortSignal;
}

export type Request<T> = (client: Etcd3, options: CallOptions) => Promise<T>;

/** One client of one endpoint. Never repeats a request, never waits longer than told. */
export interface Connection {
  readonly endpoint: Endpoint;
  /** The server has answered on this connection. */
  proven(): boolean;
  ask<T>(request: Request<T>, limits: Limits): Promise<Answer<T>>;
  /**
   * Opens a stream; whoever gets it cancels it. An `endless` one has no deadline (`timeout` is for the login), and is
   * ended by etcd when its member has lost the others.
   */
  open<T>(request: Request<T>, limits: Limits & { readonly endless: boolean }): Promise<Answer<Opened<T>>>;
  /** Requests under way go on to their own end. */
  close(): void;
}

export interface Opened<T> {
  readonly stream: T;
  /** Why the stream ended, as it came off the wire. */
  readonly status: () => Status | undefined;
}

/** Nothing happens on the network before the first request. */
export const createConnection = (options: ConnectionOptions): Connection => {
  const { endpoint, clock, login } = options;
  const client = createClient(endpoint, options.tls, options.serial);
  const closing = new AbortController();
  let answered = false;
  let token: string | undefined;
  let loggingIn: Promise<Answer<string | undefined>> | undefined;

  const send = async <T>(request: Request<T>, wire: Wire, limits: Limits, deadline: boolean): Promise<Answer<T>> => {
    if (limits.signal.aborted) return fault(cancelledFault('it was cancelled before it was sent', 'no'));
    const until = deadline ? { deadline: clock.wall() + limits.timeout } : {};
    const answer = request(client, { ...until, interceptors: [wire.interceptor] }).then(
      (value): Answer<T> => ({ kind: 'ok', value }),
      (error: unknown): Answer<T> => fault(faultOf(wire.status() ?? statusOf(error))),
    );
    const result = await untilAborted(answer, limits.signal, () => {
      wire.cancel();
      return fault(cancelledFault('it was cancelled', 'maybe'));
    });
    answered ||= result.kind === 'ok' || result.fault.next === 'stop';
    return result;
  };

  const logIn = async (timeout: Ms, who: Login): Promise<Answer<string | undefined>> => {
    const answer = await send(
      async (c, o) => c.auth.authenticate({ name: who.username, password: who.password }, o),
      createWire({ token: undefined, needsLeader: false }),
      { timeout, signal: closing.signal },
      true,
    );
    if (answer.kind === 'ok') return { kind: 'ok', value: (token = answer.value.token) };
    if (answer.fault.details.includes('authentication is not enabled')) return { kind: 'ok', value: undefined };
    return fault({ ...answer.fault, executed: 'no', details: `login: ${answer.fault.details}` });
  };

  /** One login at a time, however many requests wait for it. */
  const tokenFor = async (limits: Limits): Promise<Answer<string | undefined>> => {
    if (login === undefined || token !== undefined) return { kind: 'ok', value: token };
    loggingIn ??= logIn(limits.timeout, login).finally(() => (loggingIn = undefined));
    return untilAborted(loggingIn, limits.signal, () =>
      fault(cancelledFault('it was cancelled during the login', 'no')),
    );
  };

  return {
    endpoint,
    proven: () => answered,
    ask: async (request, limits) => {
      const from = clock.now();
      const allowed = await tokenFor(limits);
      if (allowed.kind === 'fault') return allowed;
      const timeout = ms(Math.max(0, limits.timeout - elapsedAtMost(from, clock.now())));
      return send(request, createWire({ token: allowed.value, needsLeader: false }), { ...limits, timeout }, true);
    },
    open: async (request, limits) => {
      const allowed = await tokenFor(limits);
      if (allowed.kind === 'fault') return allowed;
      const wire = createWire({ token: allowed.value, needsLeader: limits.endless });
      const answer = await send(request, wire, limits, !limits.endless);
      return answer.kind === 'ok' ? { kind: 'ok', value: { stream: answer.value, status: wire.status } } : answer;
    },
    close: () => {
      closing.abort();
      client.close();
    },
  };
};

const fault = (value: Fault): { readonly kind: 'fault'; readonly fault: Fault } => ({ kind: 'fault', fault: value });

/** An error without a status did not come from the network: etcd3 itself refused. */
const statusOf = (error: unknown): Status => ({
  code: grpcStatus.UNKNOWN,
  details: error instanceof Error ? error.message : String(error),
});
