import { isIP } from 'node:net';
import { AgentError } from '../../core/errors.ts';

/** One etcd server as configured. */
export interface Endpoint {
  /** Scheme, host and port: what messages show. */
  readonly url: string;
  readonly address: string;
  readonly host: string;
  readonly tls: boolean;
  /** Certificates of IP addresses need care (no server name may be sent for them). */
  readonly ip: boolean;
}

const URL_SHAPE =
  /^(?<scheme>https?):\/\/(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?\/?$/u;
const DEFAULT_PORT = '2379';

/** Parses `http://host[:port]` or `https://…`; throws `config-invalid` with what was found. */
export const parseEndpoint = (text: string): Endpoint => {
  const found = URL_SHAPE.exec(text)?.groups;
  const host = found?.['six'] ?? found?.['host'];
  if (found === undefined || host === undefined)
    throw new AgentError('config-invalid', 'etcd.endpoints: an endpoint is not an http or https URL', {
      // The text is not repeated: it could hold a password.
      hint: 'Write endpoints as https://etcd1.example.com:2379 (no path, no user name).',
    });
  const shown = found['six'] === undefined ? host : `[${host}]`;
  const address = `${shown}:${found['port'] ?? DEFAULT_PORT}`;
  const scheme = found['scheme'] ?? 'http';
  return { url: `${scheme}://${address}`, address, host, tls: scheme === 'https', ip: isIP(host) !== 0 };
};
