import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy between a client and one server, which can misbehave. */
export interface FaultProxy {
  /** What clients connect to: like the target's URL, with the proxy's port. */
  readonly url: string;
  /**
   * `pass`: forwards, also what was held back (as TCP would send again). `hole`: accepts and forwards nothing, either way.
   * `no-replies`: requests arrive, answers do not. `no-requests`: the reverse. `reset`: breaks and refuses connections.
   */
  set(mode: ProxyMode): void;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

type ProxyMode = 'pass' | 'hole' | 'no-replies' | 'no-requests' | 'reset';

export const startProxy = async (target: string): Promise<FaultProxy> => {
  const { hostname, port, protocol } = new URL(target);
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket; flush(): void }>();
  let mode: ProxyMode = 'pass';

  const listener = createServer((client) => {
    if (mode === 'reset') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(port), hostname);
    const forward = (from: Socket, to: Socket, blockedBy: readonly ProxyMode[]): (() => void) => {
      const held: Buffer[] = [];
      const flush = (): void => {
        if (blockedBy.includes(mode)) return;
        for (const chunk of held.splice(0)) to.write(chunk);
      };
      from.on('data', (chunk) => {
        held.push(chunk);
        flush();
      });
      return flush;
    };
    const flushRequests = forward(client, server, ['hole', 'no-requests']);
    const flushReplies = forward(server, client, ['hole', 'no-replies']);
    const pair = {
      client,
      server,
      flush: () => {
        flushRequests();
        flushReplies();
      },
    };
    pairs.add(pair);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    url: `${protocol}//127.0.0.1:${(listener.address() as AddressInfo).port}`,
    set: (wanted) => {
      mode = wanted;
      for (const pair of pairs) {
        if (mode === 'reset') pair.client.resetAndDestroy();
        else pair.flush();
      }
    },
    connections: () => pairs.size,
    close: async () => {
      for (const pair of pairs) {
        pair.client.destroy();
        pair.server.destroy();
      }
      if (listener.listening) await once(listener.close(), 'close');
    },
  };
};
