import type { Socket } from 'node:net';
import { LONGEST_LINE } from './guard-protocol.ts';

/** Calls back for every line that arrives on a socket; a line that is too long ends the connection by `tooLong`. */
export const readLines = (socket: Socket, line: (text: string) => void, tooLong: () => void): void => {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '' && part.length <= LONGEST_LINE) line(part);
    if (rest.length > LONGEST_LINE || parts.some((part) => part.length > LONGEST_LINE)) tooLong();
  });
};
