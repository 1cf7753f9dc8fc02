import type { Chance } from '../chance.ts';
import type { Cluster, Member } from '../cluster.ts';

/** One kind of fault as data: how often chance chooses it, how it is drawn, and what it does. It undoes itself. */
export interface FaultKind<F extends { readonly kind: string }> {
  readonly weight: number;
  readonly draw: (draw: Draw) => Omit<F, 'kind'>;
  readonly apply: (cluster: Cluster, fault: F) => void;
}

/** All kinds of one domain. */
export type FaultKinds<F extends { readonly kind: string }> = {
  readonly [K in F['kind']]: FaultKind<Extract<F, { readonly kind: K }>>;
};

/** What a fault is drawn from. */
export interface Draw extends Chance {
  /** A member, or whoever leads at that moment. */
  readonly member: string;
  /** Milliseconds, from a blink to longer than most rights last. */
  lasts(): number;
}

/** A fault on the member that leads at that moment. */
export const LEADER = '<leader>';

export const otherHosts = (cluster: Cluster, { host }: Member): readonly Member['host'][] =>
  cluster.members.map((m) => m.host).filter((h) => h !== host);
