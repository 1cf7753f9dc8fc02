import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { HealthAnswer, HealthAnswers } from './health-answers.ts';

/** What is not answered here goes on as if nobody had looked. */
export interface HealthSockets {
  /** Ends the connections that were not handed on. */
  close(): void;
}

/** A silent client is cut off, as Node's server does with one that does not end its headers. */
const SILENCE = 4_000;
const LONGEST_CHECK = 1_024;
const CHECK = /^(OPTIONS|GET|HEAD) (\/[^\s]*) HTTP\/1\.0\r\n((?:[^\r\n]+\r\n)*)\r\n$/;
/** Headers that ask for more than one answer and the end. */
const MORE = /^(?:connection|content-length|transfer-encoding|expect|upgrade) *:/im;

/**
 * Answers the checks of load balancers before Node's HTTP server sees the connection: a connection of its own for each
 * check (HTTP/1.0, one packet, then the end) costs half as much that way. Everything else is handed to the server
 * untouched: longer requests, kept connections, and every other address.
 */
export const answerHealthOnSockets = (server: Server, answers: HealthAnswers): HealthSockets => {
  const open = new Set<Socket>();
  const accepts = server.listeners('connection');
  server.removeAllListeners('connection');

  const handOver = (socket: Socket, chunk: Buffer): void => {
    for (const accept of accepts) accept.call(server, socket);
    socket.emit('data', chunk);
  };

  server.on('connection', (socket: Socket) => {
    const heard = (chunk: Buffer): void => {
      const answer = checkIn(chunk, answers);
      // Whoever does not take the answer is cut off like one who does not ask. A stream that ends inside its own write makes
      // an error of it, with a stack, for nobody.
      if (answer !== undefined) return void socket.write(answer, () => queueMicrotask(over));
      forget();
      socket.setTimeout(0);
      socket.off('data', heard).off('end', over).off('timeout', over).off('error', over).off('close', forget);
      handOver(socket, chunk);
    };
    const over = (): void => void socket.destroy();
    const forget = (): void => void open.delete(socket);
    open.add(socket);
    socket.on('data', heard).on('end', over).on('timeout', over).on('error', over).on('close', forget);
    socket.setTimeout(SILENCE);
  });

  return {
    close: () => {
      for (const socket of open) socket.destroy();
    },
  };
};

const checkIn = (chunk: Buffer, answers: HealthAnswers): Buffer | undefined => {
  if (chunk.length > LONGEST_CHECK) return undefined;
  const found = CHECK.exec(chunk.toString('latin1'));
  if (found === null || MORE.test(found[3] ?? '')) return undefined;
  const answer = answers(found[1], found[2] ?? '/');
  return answer === undefined ? undefined : textOf(answer, found[1] !== 'HEAD');
};

const textOf = ({ code, why, body }: HealthAnswer, withLength: boolean): Buffer => {
  const head = Buffer.from(
    `HTTP/1.1 ${code} ${code === 200 ? 'OK' : 'Service Unavailable'}\r\n` +
      'Content-Type: application/json\r\nCache-Control: no-store\r\n' +
      (withLength ? `Content-Length: ${body?.length ?? 0}\r\n` : '') +
      (why === undefined ? '' : `X-Haagent-Why: ${why}\r\n`) +
      'Connection: close\r\n\r\n',
    'latin1',
  );
  return body === undefined ? head : Buffer.concat([head, body]);
};
