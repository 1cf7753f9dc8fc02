import type { Chance } from '../chance.ts';
import type { Cluster } from '../cluster.ts';
import { LEADER, type Draw, type FaultKind, type FaultKinds } from './kind.ts';
import { networkFaults, type NetworkFault } from './network.ts';
import { processFaults, type ProcessFault } from './processes.ts';
import { storageFaults, type StorageFault } from './storage.ts';
import { storeFaults, type StoreFault } from './store.ts';
import { wishes, type Wish } from './wishes.ts';

/** What goes wrong, or is wished, as data. `at` and `lasts` are milliseconds; everything undoes itself. */
export type Fault = { readonly at: number } & Harm;
type Harm = NetworkFault | StoreFault | ProcessFault | StorageFault | Wish;

const KINDS: FaultKinds<Harm> = { ...networkFaults, ...storeFaults, ...processFaults, ...storageFaults, ...wishes };
const NAMES = Object.keys(KINDS) as readonly Fault['kind'][];
/** A table cannot say that the kind of a fault chooses the function that takes it. */
const kindOf = (name: Harm['kind']): FaultKind<Harm> => KINDS[name] as unknown as FaultKind<Harm>;

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
      kindOf(kind).apply(cluster, fault);
    });
};

const LASTS = [300, 1_500, 4_000, 9_000, 15_000, 25_000];

/**
 * Some faults within a time, in bursts, half of them on whoever leads. Most runs draw from a part of the kinds only: many
 * of few kinds reach states that a few of many kinds never do.
 */
export const drawFaults = (
  chance: Chance,
  names: readonly string[],
  { from, until, only }: { readonly from: number; readonly until: number; readonly only?: readonly Fault['kind'][] },
): readonly Fault[] => {
  const share = chance.pick([0.2, 0.5, 1]);
  const kinds = only ?? NAMES.filter(() => chance.chance(share));
  const possible = kinds.length === 0 ? NAMES : kinds;
  const total = possible.reduce((sum, name) => sum + KINDS[name].weight, 0);
  const faults: Fault[] = [];
  const count = 1 + Math.floor((chance.random() * (until - from)) / 1_500);
  let at = chance.between(from, until);
  for (let index = 0; index < count; index++) {
    let roll = chance.random() * total;
    const kind = possible.find((name) => (roll -= KINDS[name].weight) < 0)!;
    const draw: Draw = {
      ...chance,
      member: chance.chance(0.6) ? LEADER : chance.pick(names),
      lasts: () => chance.pick(LASTS) * chance.between(0.7, 1.3),
    };
    faults.push({ ...kindOf(kind).draw(draw), kind, at } as Fault);
    at = chance.chance(0.5) ? Math.min(until, at + chance.between(0, 3_000)) : chance.between(from, until);
  }
  return faults.toSorted((a, b) => a.at - b.at);
};
