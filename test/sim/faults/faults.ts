import { ms, type MemberName } from '../../../src/core/brand.ts';
import type { Intent } from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { timingForTtl } from '../../../src/core/timing.ts';
import type { Cluster, Member } from '../cluster.ts';
import { GOOD_LINK } from '../host/link.ts';
import type { World } from '../world.ts';

/** What goes wrong, or is wished, as data. `at` and `lasts` are milliseconds; everything undoes itself. */
export type Fault = { readonly at: number } & (
  | { readonly kind: 'agent-kill' | 'host-crash'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'agent-freeze'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'database-crash'; readonly member: string; readonly leftovers: boolean }
  | { readonly kind: 'database-hang'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'guard-kill'; readonly member: string }
  | { readonly kind: 'cut-etcd' | 'cut-peers' | 'cut-all'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'lossy'; readonly member: string; readonly lasts: number; readonly share: number }
  | { readonly kind: 'slow'; readonly member: string; readonly lasts: number; readonly delay: number }
  /** Answers get slow, and then nothing gets through any more. */
  | { readonly kind: 'fade'; readonly member: string; readonly lasts: number; readonly answer: number }
  | { readonly kind: 'etcd-down'; readonly lasts: number }
  | { readonly kind: 'delete-leader' }
  | { readonly kind: 'revoke-lease'; readonly member: string }
  | { readonly kind: 'failing-promotions'; readonly member: string; readonly count: number }
  | { readonly kind: 'lose-data'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'cold-start'; readonly lasts: number }
  | { readonly kind: 'stop'; readonly member: string; readonly lasts: number }
  | { readonly kind: 'pause'; readonly lasts: number }
  | { readonly kind: 'set-ttl'; readonly ttl: number }
  | { readonly kind: 'switchover'; readonly to: string | undefined }
  | { readonly kind: 'failover'; readonly to: string; readonly allowDataLoss: boolean }
  | { readonly kind: 'restart' | 'reinitialize'; readonly member: string }
);

type FaultOf<K, F = Fault> = F extends { readonly kind: infer Kinds } ? (K extends Kinds ? F : never) : never;
type Apply<K extends Fault['kind']> = (cluster: Cluster, fault: FaultOf<K>) => void;

type Without<T> = T extends unknown ? Omit<T, 'id' | 'by' | 'at' | 'outcome'> : never;
type Wish = Without<Intent>;

/** Writes a wish as an operator does. */
const wish = (cluster: Cluster, intent: Wish): void => {
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

/** Ends a pause, if there is one. */
export const resumeCluster = (cluster: Cluster): void => {
  if (cluster.etcd.view().settings?.value.pause === true)
    configure(cluster, (settings) => ({ ...settings, pause: false }));
};

const link = (cluster: Cluster, member: Member, faults: Partial<typeof GOOD_LINK>, lasts: number): void => {
  member.host.link.set(faults);
  cluster.world.at(lasts, () => member.host.link.set(GOOD_LINK));
};

const isolate = (cluster: Cluster, { host }: Member, lasts: number): void => {
  const others = cluster.members.map((m) => m.host).filter((h) => h !== host);
  for (const other of others) cluster.cut(host, other, true);
  cluster.world.at(lasts, () => others.forEach((other) => cluster.cut(host, other, false)));
};

/** Somebody else has a copy that streams: this one may be lost. */
const spare = (cluster: Cluster, member: Member): boolean =>
  cluster.members.some(({ host }) => host !== member.host && host.up && host.database.acknowledges()) ||
  cluster.members.filter(
    ({ host }) => host !== member.host && host.up && host.database.streaming() && !host.tags.nofailover,
  ).length > 0;

const effects: { readonly [K in Fault['kind']]: Apply<K> } = {
  'agent-kill': (cluster, { member, lasts }) => {
    const victim = cluster.member(member);
    cluster.killAgent(victim);
    cluster.world.at(lasts, () => cluster.startAgent(victim));
  },
  'host-crash': (cluster, { member, lasts }) => {
    const victim = cluster.member(member);
    cluster.crashHost(victim);
    cluster.world.at(lasts, () => cluster.bootHost(victim));
  },
  'agent-freeze': (cluster, { member, lasts }) => {
    const { agent } = cluster.member(member);
    agent?.freeze();
    cluster.world.at(lasts, () => {
      cluster.world.note(member, 'agent goes on');
      agent?.thaw();
    });
  },
  'database-crash': (cluster, { member, leftovers }) => {
    const { host } = cluster.member(member);
    if (host.up) host.killServer(leftovers ? 2 : 0);
  },
  'database-hang': (cluster, { member, lasts }) => cluster.member(member).host.hang(lasts),
  'guard-kill': (cluster, { member }) => cluster.member(member).host.guard.kill(),
  'cut-etcd': (cluster, { member, lasts }) => link(cluster, cluster.member(member), { up: false, late: 0.5 }, lasts),
  'cut-peers': (cluster, { member, lasts }) => isolate(cluster, cluster.member(member), lasts),
  'cut-all': (cluster, { member, lasts }) => {
    link(cluster, cluster.member(member), { up: false, late: 0.3 }, lasts);
    isolate(cluster, cluster.member(member), lasts);
  },
  lossy: (cluster, { member, share, lasts }) =>
    link(cluster, cluster.member(member), { lostRequest: share, lostReply: share, late: 0.5 }, lasts),
  slow: (cluster, { member, delay, lasts }) => link(cluster, cluster.member(member), { delay }, lasts),
  fade: (cluster, { member, answer, lasts }) => {
    const host = cluster.member(member);
    host.host.link.set({ slowAnswer: answer });
    cluster.world.at(answer * 5, () => link(cluster, host, { up: false, late: 0.3 }, lasts));
  },
  'etcd-down': (cluster, { lasts }) => {
    for (const member of cluster.members) link(cluster, member, { up: false, late: 0.3 }, lasts);
  },
  'delete-leader': (cluster) => {
    cluster.etcd.transact({ compare: [], writes: [{ kind: 'delete', key: { kind: 'leader' } }] });
  },
  'revoke-lease': (cluster, { member }) => {
    const { lease } = cluster.member(member).host.files;
    if (lease !== undefined) cluster.etcd.revoke(lease);
  },
  'failing-promotions': (cluster, { member, count }) => {
    cluster.member(member).host.failingPromotions = count;
  },
  'lose-data': (cluster, { member, lasts }) => {
    const victim = cluster.member(member);
    if (!victim.host.up || !spare(cluster, victim)) return;
    cluster.crashHost(victim);
    victim.host.database.empty();
    victim.host.renewInstance();
    cluster.world.at(lasts, () => cluster.bootHost(victim));
  },
  'cold-start': (cluster, { lasts }) => {
    for (const member of cluster.members) {
      cluster.crashHost(member);
      cluster.world.at(lasts * (0.5 + cluster.world.random()), () => cluster.bootHost(member));
    }
  },
  stop: (cluster, { member, lasts }) => {
    const victim = cluster.member(member);
    const { agent } = victim;
    if (agent === undefined) return;
    agent.post({ kind: 'stop', how: 'full' });
    cluster.world.at(lasts, () => {
      if (victim.agent === agent) cluster.killAgent(victim);
      cluster.startAgent(victim);
    });
  },
  pause: (cluster, { lasts }) => {
    configure(cluster, (settings) => ({ ...settings, pause: true }));
    cluster.world.at(lasts, () => resumeCluster(cluster));
  },
  'set-ttl': (cluster, { ttl }) => configure(cluster, (settings) => ({ ...settings, timing: timingForTtl(ms(ttl)) })),
  switchover: (cluster, { to }) =>
    wish(cluster, { kind: 'switchover', from: undefined, to: to as MemberName | undefined }),
  failover: (cluster, { to, allowDataLoss }) =>
    wish(cluster, { kind: 'failover', to: to as MemberName, allowDataLoss }),
  restart: (cluster, { member }) =>
    wish(cluster, { kind: 'restart', member: member as MemberName, onlyIfPending: false }),
  reinitialize: (cluster, { member }) =>
    wish(cluster, { kind: 'reinitialize', member: member as MemberName, fromLeader: false }),
};

/** A fault on the member that leads at that moment. */
export const LEADER = '<leader>';

const aimed = (cluster: Cluster, fault: Fault): Fault => {
  if (!('member' in fault) || fault.member !== LEADER) return fault;
  const leader = cluster.etcd.view().leader?.value ?? cluster.members[0]!.host.name;
  return { ...fault, member: leader };
};

/** Lets the faults happen, each at its time. */
export const schedule = (cluster: Cluster, faults: readonly Fault[]): void => {
  for (const planned of faults)
    cluster.world.at(planned.at - cluster.world.now(), () => {
      const fault = aimed(cluster, planned);
      const { kind, ...rest } = fault;
      cluster.world.note('FAULT', `${kind} ${JSON.stringify({ ...rest, at: undefined })}`);
      const apply = effects[kind] as (at: Cluster, what: Fault) => void;
      apply(cluster, fault);
    });
};

type Maker = (world: World, at: number, member: string) => Fault;
const long = (world: World): number => world.pick([300, 1_500, 4_000, 9_000, 15_000, 25_000]) * world.between(0.7, 1.3);

/** What chance chooses from, with how often. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [3, (w, at, member) => ({ kind: 'agent-kill', at, member, lasts: long(w) })],
  [4, (w, at, member) => ({ kind: 'agent-freeze', at, member, lasts: long(w) })],
  [3, (w, at, member) => ({ kind: 'host-crash', at, member, lasts: long(w) })],
  [3, (w, at, member) => ({ kind: 'database-crash', at, member, leftovers: w.chance(0.3) })],
  [1, (w, at, member) => ({ kind: 'database-hang', at, member, lasts: long(w) })],
  [2, (_, at, member) => ({ kind: 'guard-kill', at, member })],
  [4, (w, at, member) => ({ kind: 'cut-etcd', at, member, lasts: long(w) })],
  [2, (w, at, member) => ({ kind: 'cut-peers', at, member, lasts: long(w) })],
  [3, (w, at, member) => ({ kind: 'cut-all', at, member, lasts: long(w) })],
  [4, (w, at, member) => ({ kind: 'lossy', at, member, lasts: long(w), share: w.between(0.05, 0.5) })],
  [1, (w, at, member) => ({ kind: 'slow', at, member, lasts: long(w), delay: w.between(50, 900) })],
  [3, (w, at, member) => ({ kind: 'fade', at, member, lasts: long(w), answer: w.between(100, 1_300) })],
  [1, (w, at) => ({ kind: 'etcd-down', at, lasts: long(w) })],
  [3, (_, at) => ({ kind: 'delete-leader', at })],
  [3, (_, at, member) => ({ kind: 'revoke-lease', at, member })],
  [2, (w, at, member) => ({ kind: 'failing-promotions', at, member, count: w.pick([1, 1, 2, 3]) })],
  [1, (w, at, member) => ({ kind: 'lose-data', at, member, lasts: long(w) })],
  [1, (w, at) => ({ kind: 'cold-start', at, lasts: w.between(500, 5_000) })],
  [1, (w, at, member) => ({ kind: 'stop', at, member, lasts: w.between(3_000, 15_000) })],
  [1, (w, at) => ({ kind: 'pause', at, lasts: long(w) })],
  [1, (w, at) => ({ kind: 'set-ttl', at, ttl: w.pick([3_000, 5_000, 10_000, 20_000]) })],
  [4, (w, at, member) => ({ kind: 'switchover', at, to: member === LEADER || w.chance(0.3) ? undefined : member })],
  [
    1,
    (w, at, member) => ({ kind: 'failover', at, to: member === LEADER ? 'a' : member, allowDataLoss: w.chance(0.5) }),
  ],
  [2, (_, at, member) => ({ kind: 'restart', at, member })],
  [1, (_, at, member) => ({ kind: 'reinitialize', at, member })],
];

/** Some faults within a time, in bursts, half of them on whoever leads. */
export const randomFaults = (world: World, names: readonly string[], from: number, until: number): readonly Fault[] => {
  const total = MAKERS.reduce((sum, [weight]) => sum + weight, 0);
  const faults: Fault[] = [];
  const count = 1 + Math.floor(world.random() * world.random() * 12);
  let at = world.between(from, until);
  for (let index = 0; index < count; index++) {
    let roll = world.random() * total;
    const [, make] = MAKERS.find(([weight]) => (roll -= weight) < 0)!;
    const member = world.chance(0.5) ? LEADER : world.pick(names);
    faults.push(make(world, at, member));
    at = world.chance(0.6) ? Math.min(until, at + world.between(0, 4_000)) : world.between(from, until);
  }
  return faults.toSorted((a, b) => a.at - b.at);
};
