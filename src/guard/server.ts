import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { ms } from '../core/brand.ts';
import type { Clock } from '../ports/clock.ts';
import { encodeLine } from '../adapters/os/guard-protocol.ts';
import { readLines } from '../adapters/os/lines.ts';

const MOST_CLIENTS = 32;
const ANSWER_TIMEOUT = ms(1_000);

/** The guard's end of the socket. Whatever a client sends, the worst that happens is that its connection ends. */
export interface GuardServer {
  /** `occupied`: another guard lives at this path. A socket that nobody answers at is replaced. */
  listen(): Promise<'listening' | 'occupied'>;
  /** Whether the path still leads here. A folder that was swept makes it `gone`: listen again. */
  place(): 'ours' | 'gone' | 'taken';
  broadcast(message: object): void;
  /** Ends all connections and removes the socket. Can be called twice. */
  close(): void;
}

export const createGuardServer = ({
  path,
  clock,
  answer,
}: {
  readonly path: string;
  readonly clock: Clock;
  readonly answer: (line: string) => object;
}): GuardServer => {
  const clients = new Set<Socket>();
  let server: Server | undefined;
  let inode: bigint | undefined;

  const accept = (socket: Socket): void => {
    clients.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => clients.delete(socket));
    readLines(
      socket,
      (line) => socket.write(encodeLine(answer(line))),
      () => socket.destroy(),
    );
  };

  const place: GuardServer['place'] = () => {
    const found = inodeOf(path);
    if (found === undefined) return 'gone';
    return found === inode ? 'ours' : 'taken';
  };

  return {
    place,
    /** Bound under a name of its own and then renamed: the path never leads to a socket that nobody listens at. */
    listen: async () => {
      if (await answers(path, clock)) return 'occupied';
      server?.close();
      const created = createServer(accept);
      created.maxConnections = MOST_CLIENTS;
      server = created;
      const own = `${path}.${process.pid}`;
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      rmSync(own, { force: true });
      await new Promise<void>((resolve, reject) => {
        created.once('error', reject);
        created.listen(own, resolve);
      });
      created.on('error', () => undefined);
      chmodSync(own, 0o600);
      inode = inodeOf(own);
      renameSync(own, path);
      return 'listening';
    },
    broadcast: (message) => {
      for (const client of clients) client.write(encodeLine(message));
    },
    close: () => {
      if (place() === 'ours') rmSync(path, { force: true });
      server?.close();
      for (const client of clients) client.destroy();
    },
  };
};

const inodeOf = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;

/** A connection that is neither made nor refused belongs to a guard that is busy or stopped: it counts as an answer. */
const answers = (path: string, clock: Clock): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean): void => {
      cancel();
      socket.destroy();
      resolve(answered);
    };
    const cancel = clock.timer(ANSWER_TIMEOUT, () => end(true));
    socket.once('connect', () => end(true));
    socket.on('error', (error) =>
      end(!('code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED'))),
    );
  });
