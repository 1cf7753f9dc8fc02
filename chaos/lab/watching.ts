import { z } from 'zod';
import type { Lab, LabMember, MemberView } from './lab.ts';
import { waitFor } from './wait.ts';

/** The part of a lab that only asks agents: the same for processes and for containers. */
export type Watching = Pick<Lab, 'get' | 'observe' | 'leader' | 'waitFor' | 'waitForLeader' | 'waitForHealthy'>;

/** The part of a member's Patroni-shaped status that is looked at here. */
const status = z.object({
  role: z.string(),
  state: z.string(),
  replication_state: z.string().optional(),
  timeline: z.number().optional(),
});

const parse = (body: string | undefined): z.infer<typeof status> | undefined => {
  try {
    return status.safeParse(JSON.parse(body ?? '')).data;
  } catch {
    return undefined;
  }
};

/** Only a replica of the primary's own generation counts: one that has yet to be rewound may stream for a moment. */
const streamsFrom = (view: MemberView, primary: MemberView): boolean =>
  view.role === 'replica' && view.state === 'streaming' && view.timeline === primary.timeline;

const HEALTHY_EVERY_MS = 100;

/** Asks the members' agents. `signal` ends every wait; `logTail` goes into the message of those that were in vain. */
export const createWatching = (options: {
  readonly members: () => readonly LabMember[];
  readonly logTail: () => string;
  readonly signal: AbortSignal;
}): Watching => {
  const get = async (member: LabMember, path: string): Promise<{ status: number; body: string } | undefined> => {
    try {
      const response = await fetch(`${member.apiUrl}${path}`, { signal: AbortSignal.timeout(500) });
      return { status: response.status, body: await response.text() };
    } catch {
      return undefined;
    }
  };

  const view = async (member: LabMember): Promise<MemberView> => {
    const [primary, own] = await Promise.all([get(member, '/primary'), get(member, '/patroni')]);
    const found = parse(own?.body);
    return {
      name: member.name,
      open: primary?.status === 200,
      role: found?.role ?? 'unknown',
      state: found?.replication_state ?? found?.state ?? 'unknown',
      timeline: found?.timeline,
    };
  };
  const observe = (): Promise<readonly MemberView[]> => Promise.all(options.members().map(view));

  const leader = async (): Promise<string | undefined> => {
    const answers = await Promise.all(
      options.members().map(async (member) => ({ name: member.name, answer: await get(member, '/primary') })),
    );
    const open = answers.filter(({ answer }) => answer?.status === 200);
    return open.length === 1 ? open[0]?.name : undefined;
  };

  const describe = async (): Promise<string> =>
    `${(await observe()).map((found) => JSON.stringify(found)).join('\n')}\n${options.logTail()}`;

  const wait: Lab['waitFor'] = (what, probe, waiting) =>
    waitFor(what, probe, { ...waiting, describe, signal: options.signal });

  const healthyPrimary = async (among: readonly string[] | undefined): Promise<string | undefined> => {
    const views = (await observe()).filter(({ name }) => among?.includes(name) ?? true);
    const [primary, second] = views.filter(({ open }) => open);
    if (primary === undefined || second !== undefined) return undefined;
    const whole = views.every((found) => found === primary || streamsFrom(found, primary));
    return whole ? primary.name : undefined;
  };

  return {
    observe,
    leader,
    waitFor: wait,
    get: async (name, path) => {
      const member = options.members().find((candidate) => candidate.name === name);
      return member === undefined ? undefined : get(member, path);
    },
    waitForLeader: ({ not, ...waiting }) =>
      wait(
        not === undefined ? 'a member is open as the primary' : `another member than ${not} is open as the primary`,
        async () => {
          const name = await leader();
          return name === not ? undefined : name;
        },
        waiting,
      ),
    waitForHealthy: ({ members, ...waiting }) =>
      wait('one member is the primary and every other streams from it', () => healthyPrimary(members), {
        everyMs: HEALTHY_EVERY_MS,
        ...waiting,
      }),
  };
};
