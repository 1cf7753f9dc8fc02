import type { Acknowledgement } from '../../../src/core/database.ts';
import type { ClusterView, SyncEntry } from '../../../src/core/model.ts';
import { isPartOf, simPosition, type SimPosition } from '../database/positions.ts';
import type { Etcd } from '../etcd/etcd.ts';
import type { Host } from '../host/host.ts';
import { Violation } from './violation.ts';

/** What is promised about acknowledged writes: I2 and I3 in the modes that wait for voters, and I8. */
export interface PromiseChecks {
  always(): void;
  /** It is primary, and everything that it could acknowledge needs a voter. */
  harmless(host: Host): boolean;
  acknowledged(host: Host, until: SimPosition, waited: boolean): void;
  termBegins(before: ClusterView | undefined, forced: boolean): void;
  promoted(host: Host): void;
}

const generationOf = (p: SimPosition): number => p.path.at(-1)?.[0] ?? 0;

/** Counted, not searched: a set of acks and an electing set that have no voter in common. */
const canMiss = (database: Acknowledgement, { voters, acks }: SyncEntry): boolean => {
  const electing = voters.length - acks + 1;
  if (electing > voters.length || database.acks > database.voters.length) return false;
  const shared = database.voters.filter((voter) => voters.includes(voter)).length;
  const outside = Math.max(0, database.acks - (database.voters.length - shared));
  const others = Math.max(0, electing - (voters.length - shared));
  return outside + others <= shared;
};

export const createPromiseChecks = (etcd: Etcd, hosts: readonly Host[]): PromiseChecks => {
  /** What each generation began with. */
  const begun = new Map<number, SimPosition>();
  let newest: SimPosition | undefined;
  let bound = false;

  return {
    harmless: (host) => {
      if (!host.database.commits.waits()) return false;
      const own = generationOf(host.database.position());
      return hosts.some((other) => other !== host && generationOf(other.database.position()) > own);
    },
    always: () => {
      const { leader, history, sync } = etcd.view();
      const host = hosts.find(({ name }) => name === leader?.value);
      const entry = sync?.value.at(-1);
      if (host === undefined || entry?.leader !== `${host.name}~${host.files.instance}` || !host.up) return;
      const server = host.database.server();
      if (server.kind !== 'running' || server.role !== 'primary') return;
      if (generationOf(host.database.position()) !== history?.value.generation) return;
      for (const demand of host.database.commits.inForce())
        if (canMiss(demand, entry))
          throw new Violation(
            'I8',
            `${host.name} acknowledges with ${demand.acks} of [${demand.voters.join(' ')}], but etcd promises ${entry.acks} of [${entry.voters.join(' ')}]`,
          );
    },
    acknowledged: (host, until, waited) => {
      for (const [generation, from] of begun)
        if (waited && generation > generationOf(until) && !isPartOf(until, from))
          throw new Violation('I3', `${host.name} acknowledged a write that generation ${generation} does not have`);
      if (newest === undefined || generationOf(until) > generationOf(newest) || isPartOf(newest, until)) newest = until;
    },
    termBegins: (before, forced) => {
      const entries = before?.sync?.value ?? [];
      bound = entries.length > 0 && entries.every(({ acks }) => acks > 0) && !forced;
    },
    promoted: (host) => {
      const reached = host.database.position();
      const kept = simPosition(reached.path.slice(0, -1), reached.at);
      begun.set(generationOf(reached), kept);
      // One that was held up until another led: it may come, and can acknowledge nothing (D4, D9), which `acknowledged` checks.
      if ([...begun.keys()].some((generation) => generation > generationOf(reached))) return;
      if (newest === undefined || isPartOf(newest, kept)) return;
      // What had been acknowledged without a promise is lost and told now: nothing is expected of it later.
      if (!bound) newest = kept;
      else
        throw new Violation(
          'I3',
          `${host.name} became primary and lacks ${newest.at - kept.at} of what was acknowledged under a promise`,
        );
    },
  };
};
