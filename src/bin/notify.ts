import { ms } from '../core/brand.ts';
import type { Processes } from '../ports/processes.ts';

/** Tells systemd (Type=notify) that the agent is ready. Without systemd it does nothing. */
export const notifyReady = async (
  processes: Processes,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> => {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined) return;
  await processes.run({
    file: 'systemd-notify',
    args: ['--ready'],
    env: { NOTIFY_SOCKET: socket, PATH: env['PATH'] ?? '/usr/bin:/bin' },
    timeout: ms(5_000),
    signal: new AbortController().signal,
  });
};
