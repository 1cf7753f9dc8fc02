import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttpClient } from '../adapters/http/client.ts';
import { createClock } from '../adapters/os/clock.ts';
import { guardProcess } from '../adapters/os/guard-starter.ts';
import { createProcesses } from '../adapters/os/processes.ts';
import { forgetStore } from '../agent/store-file.ts';
import type { LocalConfig } from '../config/local.ts';
import { ms, type MemberName } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { ProcessId, Processes } from '../ports/processes.ts';

/** A guard that is asked to end fences first, and this is the longest that it may take. */
const GUARD_ENDS = 60_000;

/**
 * Lets this member believe an etcd that was restored or made anew. Terms begin again there, so its guard, which obeys no older
 * term than it has heard of, is ended too: it fences a database that it was armed for. Throws `AgentError` while the agent runs.
 */
export const forgetStoreOf = async (config: LocalConfig): Promise<void> => {
  await refuseLivingAgent(config);
  await endGuard(config);
  await forgetStore(config.member.stateDir);
};

const refuseLivingAgent = async ({ api, member }: LocalConfig): Promise<void> => {
  const client = createHttpClient({ maxBytes: 1_000_000, tls: { insecure: true } });
  try {
    const { signal } = new AbortController();
    const answer = await client.request({
      method: 'GET',
      url: `${api.advertiseUrl}/liveness`,
      timeout: ms(2_000),
      signal,
    });
    if (answer.kind === 'failed' && answer.code === 'refused') return;
    throw new AgentError(
      'refused',
      `the agent of ${member.name} seems to run: something answers at ${api.advertiseUrl}`,
      {
        hint: 'stop the agents of all members first (systemctl stop haagent), then forget, then start them again',
      },
    );
  } finally {
    client.close();
  }
};

const endGuard = async ({ member }: LocalConfig): Promise<void> => {
  const clock = createClock();
  const processes = createProcesses({ clock });
  const guard = guardProcess(processes, join(member.runDir, 'guard.sock'));
  if (guard !== undefined) {
    processes.signal(guard, 'SIGTERM');
    await untilGone(guard, processes, clock, member.name);
  }
  await rm(join(member.runDir, 'guard.json'), { force: true });
};

const untilGone = async (guard: ProcessId, processes: Processes, clock: Clock, member: MemberName): Promise<void> => {
  const begun = clock.now().mono;
  const { signal } = new AbortController();
  while (processes.alive(guard)) {
    if (clock.now().mono - begun > GUARD_ENDS)
      throw new AgentError('timed-out', `the guard of ${member} (pid ${guard.pid}) does not end`, {
        hint: 'it cannot fence the database; look at guard.log in member.state_dir, then try again',
      });
    await clock.sleep(ms(50), { signal });
  }
};
