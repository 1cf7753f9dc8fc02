import type { Cluster, Member } from '../cluster.ts';
import { GOOD_LINK, type LinkFaults } from '../network/link.ts';
import { otherHosts, type FaultKinds } from './kind.ts';
import { SENDS, type Step } from './steps.ts';

interface Lasting<K extends string> {
  readonly kind: K;
  readonly member: string;
  readonly lasts: number;
}

export type NetworkFault =
  /** The way to etcd is gone, in one direction or both, or closed by a firewall that refuses. */
  | (Lasting<'cut-etcd'> & { readonly way: Exclude<LinkFaults['cut'], 'none'> })
  /** The ways from (or to) the other members are gone, or both. */
  | (Lasting<'cut-peers'> & { readonly way: 'out' | 'in' | 'both' })
  | Lasting<'cut-all'>
  | (Lasting<'lossy'> & { readonly share: number })
  | (Lasting<'slow'> & { readonly delay: number })
  /** Answers get slow, as a share of what a caller waits for, and then nothing gets through any more. */
  | (Lasting<'fade'> & { readonly answer: number })
  /** What etcd answers to this step is lost, and whatever it says for a while after. */
  | (Lasting<'lost-answer'> & { readonly step: Step })
  /** The watch is late, or broken without anybody noticing; a compaction in between changes nothing. */
  | (Lasting<'dull-watch'> & { readonly delay: number; readonly lost: number });

const disturb = (cluster: Cluster, { host }: Member, faults: Partial<LinkFaults>, lasts: number): void => {
  host.link.set(faults);
  cluster.world.at(lasts, () => host.link.set(GOOD_LINK));
};

const isolate = (cluster: Cluster, member: Member, way: 'out' | 'in' | 'both', lasts: number): void => {
  const { name } = member.host;
  for (const { name: other } of otherHosts(cluster, member)) {
    if (way !== 'in') cluster.network.cut(name, other);
    if (way !== 'out') cluster.network.cut(other, name);
    cluster.world.at(lasts, () => {
      cluster.network.mend(name, other);
      cluster.network.mend(other, name);
    });
  }
};

const LATE = 0.4;

export const networkFaults: FaultKinds<NetworkFault> = {
  'cut-etcd': {
    weight: 5,
    draw: ({ member, lasts, pick }) => ({
      member,
      lasts: lasts(),
      way: pick(['both', 'both', 'requests', 'replies', 'refused']),
    }),
    apply: (cluster, { member, lasts, way }) =>
      disturb(cluster, cluster.member(member), { cut: way, late: LATE }, lasts),
  },
  'cut-peers': {
    weight: 2,
    draw: ({ member, lasts, pick }) => ({ member, lasts: lasts(), way: pick(['both', 'both', 'in', 'out']) }),
    apply: (cluster, { member, lasts, way }) => isolate(cluster, cluster.member(member), way, lasts),
  },
  'cut-all': {
    weight: 3,
    draw: ({ member, lasts }) => ({ member, lasts: lasts() }),
    apply: (cluster, { member, lasts }) => {
      disturb(cluster, cluster.member(member), { cut: 'both', late: LATE }, lasts);
      isolate(cluster, cluster.member(member), 'both', lasts);
    },
  },
  lossy: {
    weight: 4,
    draw: ({ member, lasts, between }) => ({ member, lasts: lasts(), share: between(0.05, 0.5) }),
    apply: (cluster, { member, lasts, share }) =>
      disturb(cluster, cluster.member(member), { lostRequest: share, lostReply: share, late: 0.5 }, lasts),
  },
  slow: {
    weight: 1,
    draw: ({ member, lasts, between }) => ({ member, lasts: lasts(), delay: between(50, 900) }),
    apply: (cluster, { member, lasts, delay }) => disturb(cluster, cluster.member(member), { delay }, lasts),
  },
  fade: {
    weight: 5,
    draw: ({ member, lasts, between }) => ({ member, lasts: lasts(), answer: between(0.3, 1.1) }),
    apply: (cluster, { member, lasts, answer }) => {
      const victim = cluster.member(member);
      const { callTimeout, heartbeatInterval } = cluster.timing();
      victim.host.link.set({ slowAnswer: answer * callTimeout });
      cluster.world.at(callTimeout + 2 * heartbeatInterval, () => {
        if (!cluster.mended) disturb(cluster, victim, { cut: 'both', late: LATE }, lasts);
      });
    },
  },
  'lost-answer': {
    weight: 4,
    draw: ({ member, lasts, pick }) => ({ member, lasts: lasts(), step: pick(SENDS) }),
    apply: (cluster, { member, lasts, step }) => {
      const victim = cluster.member(member);
      victim.atStep = { step, happens: () => disturb(cluster, victim, { cut: 'replies' }, lasts) };
    },
  },
  'dull-watch': {
    weight: 2,
    draw: ({ member, lasts, between, pick }) => ({
      member,
      lasts: lasts(),
      delay: between(10, 3_000),
      lost: pick([0, 0.5, 1]),
    }),
    apply: (cluster, { member, lasts, delay, lost }) =>
      disturb(cluster, cluster.member(member), { watchDelay: delay, lostHint: lost }, lasts),
  },
};
