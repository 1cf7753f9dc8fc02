import { Channel, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { Etcd3 } from 'etcd3';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Endpoint } from './endpoint.ts';

/** PEM texts. Without `ca` the system's roots are trusted. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** etcd3's retries and circuit breakers turn a slow second into an outage and lie about transactions: switched off. */
const off = (): { dispose(): void } => ({ dispose: () => {} });
const noPolicy = {
  /** Exists for the type only. */
  get _altReturn(): never {
    throw new TypeError('_altReturn has no value');
  },
  onSuccess: off,
  onFailure: off,
  execute: async <T>(run: (context: { signal: AbortSignal }) => PromiseLike<T> | T, signal?: AbortSignal): Promise<T> =>
    run({ signal: signal ?? new AbortController().signal }),
};

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * A client of one endpoint; connects lazily.
 * @param serial different for every client, so that none inherits the sockets and back-off of one thrown away.
 */
export const createClient = (endpoint: Endpoint, tls: TlsMaterial | undefined, serial: number): Etcd3 => {
  const secure = transportCredentials(endpoint, tls);
  return new Etcd3({
    hosts: endpoint.address,
    faultHandling: { host: () => noPolicy, global: noPolicy },
    grpcOptions: {
      channelFactoryOverride: (address: string, _: ChannelCredentials, options: Record<string, unknown>) =>
        new Channel(address, secure, options),
      'haagent.serial': serial,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
      ...(endpoint.tls && endpoint.ip ? { 'grpc.ssl_target_name_override': SERVER_NAME_OF_ADDRESS } : {}),
    },
  });
};

/** TLS forbids an address as server name (Node.js 26 refuses it), so this is sent, and the address itself is checked. */
const SERVER_NAME_OF_ADDRESS = 'etcd';

const transportCredentials = (endpoint: Endpoint, tls: TlsMaterial | undefined): ChannelCredentials => {
  if (!endpoint.tls) return credentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const byAddress = (_: string, certificate: PeerCertificate): Error | undefined =>
    checkServerIdentity(endpoint.host, certificate);
  const verify = endpoint.ip ? { checkServerIdentity: byAddress } : {};
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert), verify);
};
