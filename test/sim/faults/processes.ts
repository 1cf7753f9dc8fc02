import { GOOD_LINK } from '../network/link.ts';
import type { FaultKinds } from './kind.ts';
import { STEPS, type Step } from './steps.ts';

interface Lasting<K extends string> {
  readonly kind: K;
  readonly member: string;
  readonly lasts: number;
}

/** What happens to processes and to whole machines. */
export type ProcessFault =
  | Lasting<'agent-kill'>
  /** Killed at the moment when it sends this transaction or begins this task: the deed is on its way. */
  | (Lasting<'agent-kill-at'> & { readonly step: Step })
  | Lasting<'agent-freeze'>
  | { readonly kind: 'guard-kill'; readonly member: string }
  | Lasting<'host-crash'>
  /** It goes on `offline` milliseconds before its network does. */
  | (Lasting<'host-pause'> & { readonly suspended: boolean; readonly offline: number })
  | { readonly kind: 'cold-start'; readonly lasts: number }
  | Lasting<'stop'>;

export const processFaults: FaultKinds<ProcessFault> = {
  'agent-kill': {
    weight: 3,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const victim = cluster.member(member);
      cluster.killAgent(victim);
      cluster.world.at(lasts, () => cluster.startAgent(victim));
    },
  },
  'agent-kill-at': {
    weight: 4,
    draw: ({ member, lasts, pick }) => ({ member, lasts: lasts(), step: pick(STEPS) }),
    apply: (cluster, { member, lasts, step }) => {
      const victim = cluster.member(member);
      victim.atStep = {
        step,
        happens: () => {
          cluster.killAgent(victim);
          cluster.world.at(lasts, () => cluster.startAgent(victim));
        },
      };
    },
  },
  'agent-freeze': {
    weight: 4,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const { agent } = cluster.member(member);
      agent?.freeze();
      cluster.world.at(lasts, () => {
        cluster.world.note(member, 'agent goes on');
        agent?.thaw();
      });
    },
  },
  'guard-kill': {
    weight: 2,
    draw: ({ member }) => ({ member }),
    // Both together are the documented hole: nobody is left to fence.
    apply: (cluster, { member }) => {
      const { agent, host } = cluster.member(member);
      if (agent !== undefined) host.guard.kill();
    },
  },
  'host-crash': {
    weight: 3,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const victim = cluster.member(member);
      cluster.crashHost(victim);
      cluster.world.at(lasts, () => cluster.bootHost(victim));
    },
  },
  'host-pause': {
    weight: 3,
    draw: ({ member, lasts, chance, pick }) => ({
      member,
      lasts: lasts(),
      suspended: chance(0.5),
      offline: pick([0, 0, 2_000, 8_000]),
    }),
    apply: (cluster, { member, lasts, suspended, offline }) => {
      const victim = cluster.member(member);
      cluster.pauseHost(victim, suspended);
      if (offline > 0) victim.host.link.set({ cut: 'both' });
      cluster.world.at(lasts, () => cluster.resumeHost(victim));
      cluster.world.at(lasts + offline, () => victim.host.link.set(GOOD_LINK));
    },
  },
  'cold-start': {
    weight: 1,
    draw: ({ between }) => ({ lasts: between(500, 5_000) }),
    apply: (cluster, { lasts }) => {
      for (const member of cluster.members) {
        cluster.crashHost(member);
        cluster.world.at(lasts * (0.5 + cluster.world.random()), () => cluster.bootHost(member));
      }
    },
  },
  stop: {
    weight: 1,
    draw: ({ member, between }) => ({ member, lasts: between(3_000, 15_000) }),
    apply: (cluster, { member, lasts }) => {
      const victim = cluster.member(member);
      const { agent } = victim;
      if (agent === undefined) return;
      agent.post({ kind: 'stop', how: 'full' });
      cluster.world.at(lasts, () => {
        if (victim.agent === agent) cluster.killAgent(victim);
        cluster.startAgent(victim);
      });
    },
  },
};
