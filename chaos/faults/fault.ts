import type { Engine } from '../engines/engine.ts';
import type { Capability, Lab } from '../lab/lab.ts';

/** A length of time that depends on the cluster's ttl: `ttls` times the ttl, and `ms` milliseconds. */
export interface Span {
  readonly ttls: number;
  readonly ms: number;
}

export const spanMs = ({ ttls, ms }: Span, ttlMs: number): number => ttls * ttlMs + ms;

/** Where a fault happens, and whatever it needs to happen. */
export interface Scene {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly primary: string;
  readonly replicas: readonly string[];
  /** From 0 up to 1, by the run's seed. */
  readonly random: () => number;
  readonly progress: (line: string) => void;
}

/** Ends a fault. Does no harm when called again. */
export type Undo = () => Promise<void>;

/**
 * What the lab must have for a fault to be done in it. `etcd-cluster`: more than one etcd server; `etcd-quota`: one that
 * can be filled; `haagentctl`: our own agents.
 */
export type Need = Capability | 'archive' | 'etcd-cluster' | 'etcd-quota' | 'three-members' | 'haagentctl';

/** One thing that goes wrong, how it is done to a cluster, and what is expected of the cluster. */
export interface Fault {
  /** What is done, for people. */
  readonly sentence: (primary: string) => string;
  readonly hits: 'the primary' | 'a replica' | 'every member' | 'etcd' | 'operators' | 'the network' | 'anything';
  readonly needs: readonly Need[];
  /** What becomes of the primary. */
  readonly primary: 'moves' | 'stays' | 'may move';
  /** What differs where commits wait for replicas: a lost leader is replaced without its ttl, one that is cut off from its replicas too. */
  readonly durable?: { readonly primary?: 'may move'; readonly outage: Span };
  /** The longest time without an acknowledged write, straight to the members, on a machine that is not busy. */
  readonly outage: Span;
  /**
   * How long a former primary may acknowledge beside the new one, in milliseconds. Nothing but a pause of the whole host
   * allows any: there, nobody who could stop the database runs before the database does.
   */
  readonly toleratedOverlapMs: number;
  /** How long it lasts; undefined: until the cluster takes writes again (or it is over in an instant). */
  readonly lasts?: Span;
  /** Time that the cluster has to be whole again after the undoing, beyond what every fault has. */
  readonly settles?: Span;
  /** Returns when it has taken effect. */
  readonly inflict: (scene: Scene) => Promise<Undo>;
}

export const nothingToUndo: Undo = () => Promise.resolve();

/** What a lab has, or a failure that names what it lacks (`needs` kept the fault from being done there). */
export const has = <T>(part: T | undefined, what: string): T => {
  if (part === undefined) throw new Error(`this lab has no ${what}`);
  return part;
};
