import { z } from 'zod';
import type { Lab, MemberView } from './lab.ts';
import type { MemberProcess } from './member.ts';

/** The part of a member's Patroni-shaped status that is looked at here. */
const status = z.object({
  role: z.string(),
  state: z.string(),
  replication_state: z.string().optional(),
  timeline: z.number().optional(),
});

const parse = (body: string): z.infer<typeof status> | undefined => {
  try {
    return status.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
};

/** Asks one member's agent, and looks at its processes. */
export const readView = async (member: MemberProcess, get: Lab['get']): Promise<MemberView> => {
  const { name } = member.info;
  const [primary, own] = await Promise.all([get(name, '/primary'), get(name, '/patroni')]);
  const found = own === undefined ? undefined : parse(own.body);
  const [agent] = member.processes('agent');
  const [guard] = member.processes('guard');
  const [postmaster] = member.processes('postmaster');
  return {
    name,
    open: primary?.status === 200,
    role: found?.role ?? 'unknown',
    state: found?.replication_state ?? found?.state ?? 'unknown',
    timeline: found?.timeline,
    lag: undefined,
    pids: {
      ...(agent === undefined ? {} : { agent: agent.pid }),
      ...(guard === undefined ? {} : { guard: guard.pid }),
      ...(postmaster === undefined ? {} : { postmaster: postmaster.pid }),
    },
  };
};
