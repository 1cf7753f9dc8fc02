import { DEFAULT_SETTINGS, type Settings, type Tags } from '../../src/core/settings.ts';
import { createChance } from './chance.ts';
import { drawFaults, type Fault } from './faults/faults.ts';
import { PROFILES, type Profile } from './faults/profiles.ts';

/** The cluster of one run, before anything happens. */
export interface Plan {
  readonly members: number;
  readonly ttl: number;
  /** Of replication; how many acks, and whether strict, is drawn. */
  readonly mode?: Mode;
  readonly settings?: Partial<Settings>;
  readonly tags?: Readonly<Record<string, Partial<Tags>>>;
  /** When everything is mended, in milliseconds. */
  readonly mendAt: number;
}

type Mode = Settings['replication']['mode'];
export const MODES: readonly Mode[] = ['async', 'sync', 'quorum'];

const OF_VOTERS: readonly Profile[] = ['voters', 'losses', 'deaf'];
/** Those in which commits wait for voters. */
const WAITING: readonly Mode[] = ['sync', 'quorum', 'quorum'];

export const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** For how long faults begin, and how long after the last one everything is mended, in milliseconds. */
const CHAOS = [8_000, 16_000, 30_000];
const AFTER = [1_000, 6_000, 20_000];

/** What a seed stands for: a cluster and its faults. Given parts take the place of drawn ones and change nothing else. */
export const planRun = (
  seed: number,
  given: Partial<Plan> = {},
  faults?: readonly Fault[],
  profile?: Profile,
): { readonly plan: Plan; readonly faults: readonly Fault[] } => {
  const chance = createChance(seed ^ 0x5eed);
  const members = given.members ?? chance.pick([1, 2, 2, 3, 3, 3, 3, 5]);
  const ttl = given.ttl ?? chance.pick([3_000, 3_000, 5_000, 10_000]);
  // Sometimes one member must never lead, and one is preferred.
  const tags = members > 2 && chance.chance(0.3) ? { a: { nofailover: true }, b: { failoverPriority: 5 } } : {};
  const replication = {
    ...DEFAULT_SETTINGS.replication,
    maxLagOnFailover: chance.pick([500, 5_000, DEFAULT_SETTINGS.replication.maxLagOnFailover]),
    mode: given.mode ?? chance.pick(profile !== undefined && OF_VOTERS.includes(profile) ? WAITING : MODES),
    // With strict, no more than the members could bear if one of them must not lead.
    acks: Math.min(chance.pick([1, 1, 2]), Math.max(1, members - 2)),
    strict: chance.chance(0.25) && members > 2,
  };
  const settings = { replication, onCrash: chance.pick(['auto', 'auto', 'failover', 'restart'] as const) };
  // Some faults come while the cluster is still being created.
  const from = chance.pick([0, 4_000, 4_000]);
  const failsafe = chance.chance(profile === 'blackouts' ? 1 : 0.7);
  const drawn = drawFaults(chance, NAMES.slice(0, members), {
    from,
    until: from + chance.pick(CHAOS),
    ...(profile === undefined ? {} : { only: PROFILES[profile] }),
  });
  const last = (faults ?? drawn).at(-1)?.at ?? 0;
  const drawnEnd = Math.max(from, last) + chance.pick(AFTER);
  const mendAt = given.mendAt ?? (faults === undefined ? drawnEnd : Math.max(60_000, last + 10_000));
  const drawnPlan =
    given.settings === undefined && faults === undefined ? { tags, settings: { ...settings, failsafe } } : {};
  return { plan: { ...drawnPlan, ...given, members, ttl, mendAt }, faults: faults ?? drawn };
};
