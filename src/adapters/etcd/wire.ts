import { InterceptingCall, status as grpcStatus, type Interceptor } from '@grpc/grpc-js';
import type { Status } from './faults.ts';

/** What one request carries besides its message, what became of it, and how to stop it. */
export interface Wire {
  readonly interceptor: Interceptor;
  /** The status as it came off the wire; undefined while the request runs. */
  readonly status: () => Status | undefined;
  /** Ends the request now (etcd3 itself knows only deadlines). */
  cancel(): void;
}

/**
 * What etcd3 is told instead of an error. From `invalid auth token` it would repeat the request for ever without a pause,
 * and after a failure that it takes for transient (a cancelled stream, too) it closes the channels of all other requests.
 */
const HIDDEN = { code: grpcStatus.FAILED_PRECONDITION, details: 'the status is kept by the wire' };

/** @param needsLeader etcd ends the stream when its member has lost the others. */
export const createWire = (options: { readonly token: string | undefined; readonly needsLeader: boolean }): Wire => {
  let seen: Status | undefined;
  let call: InterceptingCall | undefined;
  let cancelled = false;
  const stop = (): void => call?.cancelWithStatus(grpcStatus.CANCELLED, 'cancelled by this agent');
  return {
    interceptor: (callOptions, nextCall) => {
      call = new InterceptingCall(nextCall(callOptions), {
        start: (metadata, _listener, next) => {
          if (options.token !== undefined) metadata.set('token', options.token);
          if (options.needsLeader) metadata.set('hasleader', 'true');
          next(metadata, {
            onReceiveStatus: (status, pass) => {
              seen = { code: status.code, details: status.details };
              pass(status.code === grpcStatus.OK ? status : { ...status, ...HIDDEN });
            },
          });
          if (cancelled) stop();
        },
      });
      return call;
    },
    status: () => seen,
    cancel: () => {
      cancelled = true;
      stop();
    },
  };
};
