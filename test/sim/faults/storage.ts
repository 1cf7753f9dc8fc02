import type { Cluster, Member } from '../cluster.ts';
import type { FaultKinds } from './kind.ts';

interface Lasting<K extends string> {
  readonly kind: K;
  readonly member: string;
  readonly lasts: number;
}

/** What happens to databases, their data and their disks. */
export type StorageFault =
  /** `leftovers`: the postmaster alone dies; its backends go on until somebody ends them. */
  | { readonly kind: 'database-crash'; readonly member: string; readonly leftovers: boolean }
  | Lasting<'database-hang'>
  | Lasting<'disk-full'>
  | Lasting<'disk-hang'>
  /** They time out and may come `late`, in milliseconds; the agent that would fence the server first may end or stand still meanwhile. */
  | (Lasting<'failing-promotions'> & {
      readonly count: number;
      readonly late: number;
      readonly agent: 'lives' | 'killed' | 'frozen';
    })
  | (Lasting<'slow-stop'> & { readonly by: number })
  | Lasting<'lose-data'>;

/** Somebody else has a copy that streams: this one may be lost. */
const spare = (cluster: Cluster, member: Member): boolean =>
  cluster.members.some(
    ({ host }) =>
      host !== member.host &&
      host.active() &&
      !host.justThawed() &&
      (host.database.acknowledges() || (host.database.streaming() && !host.tags.nofailover)),
  );

const FAILING = [
  { count: 1, late: 1_500, agent: 'lives', lasts: 0 },
  { count: 1, late: 4_000, agent: 'killed', lasts: 2_000 },
  { count: 1, late: 1_500, agent: 'frozen', lasts: 3_000 },
  { count: 2, late: 4_000, agent: 'lives', lasts: 0 },
  { count: 3, late: 6_000, agent: 'frozen', lasts: 9_000 },
] as const;

/** Before it can notice that the promotion was given up. */
const stopAgent = (cluster: Cluster, member: Member, how: 'killed' | 'frozen', lasts: number): void =>
  void cluster.world.at(200, () => {
    const { agent } = member;
    if (how === 'killed') cluster.killAgent(member);
    else agent?.freeze();
    cluster.world.at(lasts, () => {
      if (how === 'killed') cluster.startAgent(member);
      else agent?.thaw();
    });
  });

export const storageFaults: FaultKinds<StorageFault> = {
  'database-crash': {
    weight: 3,
    draw: ({ member, chance }) => ({ member, leftovers: chance(0.3) }),
    apply: (cluster, { member, leftovers }) => {
      const { host } = cluster.member(member);
      if (host.active()) host.killServer(leftovers ? 2 : 0);
    },
  },
  'database-hang': {
    weight: 1,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => cluster.member(member).host.hang(lasts),
  },
  'disk-full': {
    weight: 1,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const { host } = cluster.member(member);
      host.setDisk('full');
      cluster.world.at(lasts, () => host.setDisk('good'));
    },
  },
  'disk-hang': {
    weight: 2,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const { host } = cluster.member(member);
      host.setDisk('stuck');
      cluster.world.at(lasts, () => host.setDisk('good'));
    },
  },
  'failing-promotions': {
    weight: 2,
    draw: ({ member, pick }) => ({ member, ...pick(FAILING) }),
    apply: (cluster, { member, lasts, count, late, agent }) => {
      const victim = cluster.member(member);
      victim.host.failingPromotions = { count, late };
      if (agent !== 'lives')
        victim.atStep = { step: 'promote', happens: () => stopAgent(cluster, victim, agent, lasts) };
    },
  },
  'slow-stop': {
    weight: 1,
    draw: ({ member, lasts, between }) => ({ member, lasts: lasts(), by: between(500, 20_000) }),
    apply: (cluster, { member, lasts, by }) => {
      const { host } = cluster.member(member);
      host.slowStop = by;
      cluster.world.at(lasts, () => (host.slowStop = 0));
    },
  },
  'lose-data': {
    weight: 1,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      const victim = cluster.member(member);
      if (!victim.host.active() || !spare(cluster, victim)) return;
      cluster.crashHost(victim);
      victim.host.database.empty();
      victim.host.renewInstance();
      cluster.world.at(lasts, () => cluster.bootHost(victim));
    },
  },
};
