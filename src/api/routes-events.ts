import type { FastifyInstance } from 'fastify';
import { ms } from '../core/brand.ts';
import type { AgentEvent } from '../ports/events.ts';
import type { ApiDeps } from './deps.ts';
import { toJson } from './json.ts';
import { problem } from './problem.ts';
import { sendProblem } from './respond.ts';

/** Streams open at once; each costs a socket and a listener. */
const MOST_STREAMS = 64;
/** A comment this often keeps proxies from closing a quiet stream, and shows a dead client. */
const KEEP_ALIVE = ms(15_000);
/** A client that reads slower than events come is cut off; it comes back with Last-Event-ID. */
const MOST_UNREAD_BYTES = 1_000_000;

/** `GET /events`: server-sent events. Begins with the recent ones after `Last-Event-ID`, then goes on until either side closes. */
export const eventRoutes = (app: FastifyInstance, deps: ApiDeps, closing: AbortSignal): void => {
  let open = 0;
  app.get('/events', { exposeHeadRoute: false }, (request, reply) => {
    if (open >= MOST_STREAMS)
      return sendProblem(
        reply,
        problem('not-ready', `${MOST_STREAMS} event streams are open already.`, {
          hint: 'Close one, or read the log.',
        }),
      );
    open += 1;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });

    const write = (text: string): void => {
      if (raw.writableLength > MOST_UNREAD_BYTES) raw.destroy();
      else raw.write(text);
    };
    write(`retry: 2000\n\n`);
    const last = Number(request.headers['last-event-id'] ?? 0);
    for (const event of deps.events.recent()) if (!(event.id <= last)) write(textOf(event));
    const unsubscribe = deps.events.subscribe((event) => write(textOf(event)));

    let cancelTimer = deps.clock.timer(KEEP_ALIVE, beat, { unref: true });
    function beat(): void {
      write(': still here\n\n');
      cancelTimer = deps.clock.timer(KEEP_ALIVE, beat, { unref: true });
    }
    const end = (): void => {
      raw.end();
    };
    closing.addEventListener('abort', end, { once: true });
    raw.once('close', () => {
      open -= 1;
      cancelTimer();
      unsubscribe();
      closing.removeEventListener('abort', end);
    });
    return reply;
  });
};

const textOf = (event: AgentEvent): string =>
  `id: ${event.id}\nevent: ${event.event.replaceAll(/[\r\n]/g, ' ')}\ndata: ${toJson({ ...event, at: new Date(event.at).toISOString() })}\n\n`;
