/** A worker: asks one address at a fixed rate over many connections, and holds silent ones besides. */
import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

const { port, path, perSecond, talking, silent } = z
  .object({ port: z.number(), path: z.string(), perSecond: z.number(), talking: z.number(), silent: z.number() })
  .parse(workerData);

let answers = 0;
let stopped = false;
const sockets = new Set<Socket>();

const open = (talks: boolean): Socket => {
  const socket = connect({ host: '127.0.0.1', port });
  sockets.add(socket);
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', () => {
    sockets.delete(socket);
    if (!stopped) setTimeout(() => stopped || replace(socket, talks), 100);
  });
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1').split('HTTP/1.1 ').length - 1;
  });
  return socket;
};

const speakers: Socket[] = [];
const replace = (gone: Socket, talks: boolean): void => {
  const fresh = open(talks);
  if (talks) speakers[speakers.indexOf(gone)] = fresh;
};
for (let index = 0; index < talking; index += 1) speakers.push(open(true));
for (let index = 0; index < silent; index += 1) open(false);

const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
const begun = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = ((performance.now() - begun) / 1_000) * perSecond;
  for (; sent < due; sent += 1) {
    const socket = speakers[sent % speakers.length];
    if (socket?.writable === true && socket.writableLength < 65_536) socket.write(request);
  }
}, 5);

parentPort?.once('message', () => {
  stopped = true;
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  parentPort?.postMessage({ sent, answers, seconds: (performance.now() - begun) / 1_000 });
  parentPort?.close();
});
