import type { ClusterView } from '../../../src/core/model.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { forkOf, isPartOf, simPosition, type SimPosition } from '../database/positions.ts';
import type { Host } from '../host/host.ts';
import type { World } from '../world.ts';
import { Violation } from './violation.ts';

/** What becomes of the clients' data: I3 (hand-over), I4, I6, I7, I12, I13. */
export interface DataChecks {
  /** A client was told that everything up to `until` is written. */
  acknowledged(until: SimPosition): void;
  promoted(host: Host, generation: number, view: ClusterView): void;
  /** A term begins: `reference` is the last position that its predecessor published. */
  termBegins(reference: SimPosition | undefined, forced: boolean): void;
  /** The cluster's identity, each time something was written. */
  identified(view: ClusterView): void;
  initializes(host: Host, view: ClusterView): void;
  /** A host throws its data away. */
  destroys(host: Host): void;
  /** Acknowledged writes that promotions have dropped, in the unit of positions. */
  lost(): number;
  newest(): SimPosition;
}

const NOTHING = simPosition([], 0);

const generationOf = (p: SimPosition): number => p.path.at(-1)?.[0] ?? 0;

export const createDataChecks = (world: World, hosts: readonly Host[], settings: () => Settings): DataChecks => {
  const generations = new Set<number>();
  let identity: string | undefined;
  let newest: SimPosition = NOTHING;
  let lost = 0;
  let reference: SimPosition | undefined;
  let forced = false;

  const checkLoss = (host: Host, view: ClusterView, kept: SimPosition): void => {
    if (newest.path.length === 0 || isPartOf(newest, kept)) return;
    const fork = forkOf(newest, kept);
    const gone = newest.at - fork.at;
    lost += gone;
    newest = fork;
    world.sometimes('acknowledged writes were lost by a failover');
    const how = view.history?.value.how;
    if (how === 'hand-over' && view.history?.value.member === host.name)
      throw new Violation('I3', `${host.name} was handed the lead and lacks ${gone} of what was acknowledged`);
    if (how === 'restart')
      throw new Violation('I4', `${host.name} restarted its own database and lacks ${gone} of what was acknowledged`);
    const { maxLagOnFailover } = settings().replication;
    const short = reference === undefined ? 0 : reference.at - forkOf(reference, kept).at;
    if (!forced && short > maxLagOnFailover)
      throw new Violation(
        'I4',
        `${host.name} lacks ${short} of what the last leader had published, more than ${maxLagOnFailover}`,
      );
  };

  return {
    acknowledged: (until) => {
      // What a host that went on from a pause still answers after its successor is lost: the documented hole.
      if (generationOf(until) >= generationOf(newest)) newest = until;
    },
    termBegins: (position, byOperator) => {
      reference = position;
      forced = byOperator;
    },
    promoted: (host, generation, view) => {
      if (generations.has(generation))
        throw new Violation('I6', `${host.name} became primary with generation ${generation}, which was used before`);
      generations.add(generation);
      if (host.tags.nofailover || host.tags.failoverPriority <= 0)
        throw new Violation('I7', `${host.name} became primary although its tags forbid it`);
      // One that was held up until another led comes too late to lose anything (D4): it acknowledges nothing.
      if ([...generations].some((later) => later > generation)) return;
      const reached = host.database.position();
      checkLoss(host, view, simPosition(reached.path.slice(0, -1), reached.at));
    },
    identified: ({ initialize }) => {
      const systemId = initialize?.value.systemId;
      if (identity !== undefined && systemId !== identity)
        throw new Violation('I12', `the cluster was system ${identity}, now it is ${systemId ?? 'none'}`);
      identity = systemId;
    },
    initializes: (host, { initialize }) => {
      if (initialize?.value.systemId !== undefined)
        throw new Violation('I12', `${host.name} creates a database although the cluster has one`);
    },
    destroys: (host) => {
      if (!host.database.usable() || host.database.systemId() !== identity) return;
      const another = hosts.some(
        (other) => other !== host && other.database.usable() && other.database.systemId() === identity,
      );
      if (!another) throw new Violation('I13', `${host.name} throws away the only copy of the data`);
    },
    lost: () => lost,
    newest: () => newest,
  };
};
