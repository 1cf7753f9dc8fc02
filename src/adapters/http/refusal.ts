import { connect } from 'node:net';
import type { MemberName } from '../../core/brand.ts';
import type { Peers } from '../../ports/peers.ts';

/** Whether a connection is refused: the host answers, and nothing listens there. Anything else, silence too, is no refusal. */
const isRefused = (host: string, port: number, timeout: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    const end = (refused: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(refused);
    };
    const timer = setTimeout(() => end(false), timeout);
    socket.on('connect', () => end(false));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));

/** Members whose host refuses connections to the agent's port and to the database's (02 "Losing the leader"). */
export const askRefusals: Peers['refusals'] = async (members, { timeout, signal }) => {
  const found = await Promise.all(
    members.map(async ({ name, url, host, port }): Promise<MemberName | undefined> => {
      const agent = URL.parse(url);
      if (agent === null) return undefined;
      const both = await Promise.all([
        isRefused(agent.hostname, portOf(agent), timeout, signal),
        isRefused(host, port, timeout, signal),
      ]);
      return both.every(Boolean) ? name : undefined;
    }),
  );
  return new Set(found.filter((name) => name !== undefined));
};
