import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range from which the kernel takes ports for outgoing connections, so that none is taken meanwhile. */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Whether a TCP port of loopback can be listened on just now. */
export const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A source of free TCP ports that never gives the same one twice. */
export const createPorts = (): { readonly take: (wish?: number) => Promise<number> } => {
  const given = new Set<number>();
  const usable = async (port: number): Promise<boolean> => !given.has(port) && (await portIsFree(port));
  return {
    /** `wish` when it is free, else another; throws when a hundred tries found none. */
    take: async (wish) => {
      for (let tries = 0; tries < 100; tries += 1) {
        const port = tries === 0 && wish !== undefined ? wish : randomInt(LOWEST, HIGHEST);
        if (await usable(port)) {
          given.add(port);
          return port;
        }
      }
      throw new Error(`no free TCP port found between ${LOWEST} and ${HIGHEST} on 127.0.0.1 in 100 tries`);
    },
  };
};
