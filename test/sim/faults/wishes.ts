import { ms, type MemberName } from '../../../src/core/brand.ts';
import type { Intent } from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { timingForTtl } from '../../../src/core/timing.ts';
import type { Cluster } from '../cluster.ts';
import { GOOD_LINK } from '../network/link.ts';
import { LEADER, type FaultKinds } from './kind.ts';

/** What operators ask for. No fault, but it comes at the worst moments too. */
export type Wish =
  /** The leader is cut off from etcd before the pause ends, and for `away` milliseconds longer. */
  | { readonly kind: 'pause'; readonly lasts: number; readonly away: number }
  /** The leader is cut off shortly after, for `away` milliseconds. */
  | { readonly kind: 'set-ttl'; readonly ttl: number; readonly away: number }
  | { readonly kind: 'set-mode'; readonly mode: Settings['replication']['mode']; readonly acks: number }
  | { readonly kind: 'switchover'; readonly to: string | undefined }
  | { readonly kind: 'failover'; readonly to: string; readonly allowDataLoss: boolean }
  | { readonly kind: 'restart'; readonly member: string }
  | { readonly kind: 'reinitialize'; readonly member: string };

type Without<T> = T extends unknown ? Omit<T, 'id' | 'by' | 'at' | 'outcome'> : never;

/** Writes a wish as an operator does. */
const wish = (cluster: Cluster, intent: Without<Intent>): void => {
  const id = `i${cluster.world.events()}`;
  const value = { id, by: 'operator', at: undefined, outcome: undefined, ...intent } satisfies Intent;
  const { intents } = cluster.etcd.view();
  // One change of leader at a time; a failover may still be asked for where a switchover waits for a leader.
  const open = (kind: Intent['kind']): boolean =>
    intents.some((k) => k.value.kind === kind && k.value.outcome === undefined);
  if (value.kind === 'switchover' && (open('switchover') || open('failover'))) return;
  if (value.kind === 'failover' && open('failover')) return;
  cluster.etcd.transact({ compare: [], writes: [{ kind: 'put', key: { kind: 'intent', id }, value }] });
};

/** Changes the dynamic configuration as an operator does. */
const configure = (cluster: Cluster, change: (settings: Settings) => Settings): void => {
  const { configuration, settings } = cluster.etcd.view();
  if (configuration === undefined || settings === undefined) return;
  const value = { ...configuration.value, document: { settings: change(settings.value) } };
  cluster.etcd.transact({ compare: [], writes: [{ kind: 'put', key: { kind: 'config' }, value }] });
};

const cutLeader = (cluster: Cluster, after: number, lasts: number): void => {
  cluster.world.at(after, () => {
    const leader = cluster.etcd.view().leader?.value;
    if (leader === undefined || cluster.mended) return;
    const { link } = cluster.member(leader).host;
    link.set({ cut: 'both', late: 0.3 });
    cluster.world.at(lasts, () => link.set(GOOD_LINK));
  });
};

/** The last leader was lost while paused and lives: whoever orders a failover has looked first (the runbook of a paused leader). */
const pausedAndAlive = ({ etcd, members }: Cluster): boolean => {
  const { leader, heartbeat } = etcd.view();
  if (leader !== undefined || heartbeat?.value.paused !== true) return false;
  return members.some(({ host }) => host.name === heartbeat.value.member && host.database.acknowledges());
};

/** An order that cannot be carried out makes way for the next. */
export const withdrawOrders = ({ etcd }: Cluster): void => {
  for (const { value } of etcd.view().intents)
    if (value.kind === 'failover' && value.outcome === undefined)
      etcd.transact({ compare: [], writes: [{ kind: 'delete', key: { kind: 'intent', id: value.id } }] });
};

/** Ends a pause, if there is one. */
export const resumeCluster = (cluster: Cluster): void => {
  if (cluster.etcd.view().settings?.value.pause === true)
    configure(cluster, (settings) => ({ ...settings, pause: false }));
};

export const wishes: FaultKinds<Wish> = {
  pause: {
    weight: 3,
    draw: ({ lasts, pick }) => ({ lasts: lasts(), away: pick([0, 0, 6_000, 25_000]) }),
    apply: (cluster, { lasts, away }) => {
      configure(cluster, (settings) => ({ ...settings, pause: true }));
      if (away > 0) cutLeader(cluster, lasts / 2, lasts / 2 + away);
      cluster.world.at(lasts, () => resumeCluster(cluster));
    },
  },
  'set-ttl': {
    weight: 3,
    draw: ({ pick }) => ({ ttl: pick([3_000, 3_000, 5_000, 10_000, 20_000]), away: pick([0, 0, 6_000, 25_000]) }),
    apply: (cluster, { ttl, away }) => {
      configure(cluster, (settings) => ({ ...settings, timing: timingForTtl(ms(ttl)) }));
      if (away > 0) cutLeader(cluster, cluster.world.between(0, 3_000), away);
    },
  },
  'set-mode': {
    weight: 2,
    draw: ({ pick }) => ({ mode: pick(['async', 'sync', 'quorum'] as const), acks: pick([1, 1, 2]) }),
    apply: (cluster, { mode, acks }) =>
      configure(cluster, (settings) => ({
        ...settings,
        replication: { ...settings.replication, mode, acks: Math.min(acks, Math.max(1, cluster.members.length - 2)) },
      })),
  },
  switchover: {
    weight: 4,
    draw: ({ member, chance }) => ({ to: member === LEADER || chance(0.3) ? undefined : member }),
    apply: (cluster, { to }) =>
      wish(cluster, { kind: 'switchover', from: undefined, to: to as MemberName | undefined }),
  },
  failover: {
    weight: 1,
    draw: ({ member, chance }) => ({ to: member === LEADER ? 'a' : member, allowDataLoss: chance(0.5) }),
    apply: (cluster, { to, allowDataLoss }) => {
      if (!pausedAndAlive(cluster)) wish(cluster, { kind: 'failover', to: to as MemberName, allowDataLoss });
    },
  },
  restart: {
    weight: 2,
    draw: ({ member }) => ({ member }),
    apply: (cluster, { member }) =>
      wish(cluster, { kind: 'restart', member: member as MemberName, onlyIfPending: false }),
  },
  reinitialize: {
    weight: 1,
    draw: ({ member }) => ({ member }),
    apply: (cluster, { member }) =>
      wish(cluster, { kind: 'reinitialize', member: member as MemberName, fromLeader: false }),
  },
};
