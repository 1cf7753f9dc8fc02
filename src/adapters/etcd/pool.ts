import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { TlsMaterial } from './client.ts';
import { createConnection, type Connection, type Login } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { Fault } from './faults.ts';
import { createRotation } from './rotation.ts';

/** One connection for each endpoint, made when it is needed and thrown away when it cannot be trusted. */
export interface Pool {
  /** All endpoints, the one to ask first at the front. */
  order(): readonly Endpoint[];
  /** To the endpoint to ask first. */
  best(): Connection;
  connection(endpoint: Endpoint): Connection;
  /** Remembers how a try ended. */
  worked(connection: Connection): void;
  failed(connection: Connection, fault: Fault): void;
  close(): void;
}

export interface PoolOptions {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly clock: Clock;
  readonly random: () => number;
  readonly tls: TlsMaterial | undefined;
  readonly login: Login | undefined;
  readonly log: Log | undefined;
}

/** Logs when an endpoint begins to fail (with the cause: a wrong certificate looks like an outage) and when it is back. */
export const createPool = (options: PoolOptions): Pool => {
  const { endpoints, log } = options;
  const failing = new Set<Endpoint>();
  const rotation = createRotation(endpoints, options);
  const connections = new Map<Endpoint, Connection>();
  let serial = 0;

  const connection = (endpoint: Endpoint): Connection => {
    const known = connections.get(endpoint);
    if (known !== undefined) return known;
    serial += 1;
    const made = createConnection({ ...options, endpoint, serial });
    connections.set(endpoint, made);
    return made;
  };

  return {
    order: () => rotation.order(),
    best: () => connection(rotation.order()[0] ?? endpoints[0]),
    connection,
    worked: (used) => {
      rotation.worked(used.endpoint);
      if (failing.delete(used.endpoint))
        log?.info('etcd.endpoint-back', `etcd answers again at ${used.endpoint.url}`, { endpoint: used.endpoint.url });
    },
    failed: (used, fault) => {
      if (fault.next === 'elsewhere') {
        rotation.failed(used.endpoint);
        if (!failing.has(used.endpoint))
          log?.warn('etcd.endpoint-failed', `etcd at ${used.endpoint.url}: ${fault.details}; asking the others first`, {
            endpoint: used.endpoint.url,
            code: fault.code,
          });
        failing.add(used.endpoint);
      }
      if (!fault.drop) return;
      // A late failure of a connection already replaced must not take its successor with it.
      if (connections.get(used.endpoint) === used) connections.delete(used.endpoint);
      used.close();
    },
    close: () => {
      for (const open of connections.values()) open.close();
      connections.clear();
    },
  };
};
