import type { PositionAlgebra } from '../core/position.ts';
import type { PromiseRequest } from '../core/promise.ts';
import type { AgentStatus } from '../core/status.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventSource } from '../ports/events.ts';
import type { Log } from '../ports/log.ts';
import type { Operations } from '../ports/operations.ts';
import type { Peers } from '../ports/peers.ts';
import type { Credentials } from './credentials.ts';

/** What the API is made from. It reads and records wishes; it decides nothing. */
export interface ApiDeps {
  /** The agent's newest status; undefined until there is one. */
  readonly status: () => AgentStatus | undefined;
  readonly clock: Clock;
  readonly positions: PositionAlgebra;
  readonly operations: Operations;
  /** Prometheus text. */
  readonly metricsText: () => Promise<string>;
  readonly events: EventSource;
  /** For the lags in `/cluster`: the other agents are asked, so that every member gives the same answer. */
  readonly peers: Peers;
  /** A leader that lost etcd asks for a promise; undefined until the agent runs. */
  readonly promise: (request: PromiseRequest) => Promise<PromiseVerdict> | undefined;
  readonly local: LocalActions;
  /** Where the engine leaves copies of its data to the agents. */
  readonly copies?: CopySource;
  readonly log: Log;
  readonly options: ApiOptions;
}

/** What a leader that asked for a promise is told. */
export type PromiseVerdict = { readonly promised: true } | { readonly promised: false; readonly why: string };

/** A copy of the own database, for whoever proves to know the secret. */
interface CopySource {
  readonly cluster: string;
  readonly secret: string;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What only this agent's own process can do. */
interface LocalActions {
  /** Reads the local configuration file again and applies it. Throws `AgentError` with code `config-invalid`. */
  reload(): Promise<void>;
}

export interface ApiOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls?: TlsOptions;
  /** Without credentials nothing can be changed through this API. */
  readonly credentials?: Credentials;
  /** Addresses and networks (`10.0.0.0/8`) that may send requests which change something; empty or absent: all. */
  readonly allowFrom?: readonly string[];
  /** Shared by the members: lets them prove to each other who answers (see src/adapters/http/proof.ts). */
  readonly peersSecret?: string;
}

export interface TlsOptions {
  /** PEM text. */
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  /** `required`: every request needs a client certificate; `optional`: those that change something do. */
  readonly verifyClient: 'none' | 'optional' | 'required';
}
