import { primary, replica } from '../../../src/api/health.ts';
import { NO_LIMITS } from '../../../src/api/health-query.ts';
import { statusOf } from '../../../src/agent/status.ts';
import type { Memory } from '../../../src/core/memory.ts';
import { isPartOf, simPositions, type SimPosition } from '../database/positions.ts';
import type { Host } from '../host/host.ts';
import { Violation } from './violation.ts';

/** A member as a load balancer sees it: its host, and the memory of an agent that answers. */
export interface Answering {
  readonly host: Host;
  readonly memory: Memory;
}

const FACTS = { cluster: 'sim', agentStartedAt: 0 };

/** What `/primary` answers now: the production code's own verdict, by the host's clock. */
export const isOpen = ({ host, memory }: Answering): boolean =>
  memory.reign !== undefined && primary(statusOf(memory, simPositions, FACTS), host.now(), NO_LIMITS).code === 200;

const servesReads = ({ host, memory }: Answering): boolean =>
  replica(statusOf(memory, simPositions, FACTS), host.now(), NO_LIMITS).code === 200;

/** For how long a database may be gone before `/primary` says so: one look at it. */
const LATE = 1_500;
/** For how long a replica may not know yet that a leader with another history was promoted. */
const UNKNOWING = 15_000;

/**
 * I10: `/primary` says 200 on one member at a time, and only while its database takes writes. I5: no diverged replica
 * serves. Asked about once a second, as a load balancer does.
 */
export const createHealthCheck = (): ((
  members: readonly Answering[],
  now: { readonly newest: SimPosition; readonly time: number; readonly leader: string | undefined },
) => void) => {
  // Of each life of the server: it may have been open between two looks.
  const closedSince = new Map<string, number>();
  const divergedSince = new Map<string, number>();
  const since = (of: Map<string, number>, key: string, holds: boolean, time: number): number => {
    if (!holds) of.delete(key);
    else if (!of.has(key)) of.set(key, time);
    return time - (of.get(key) ?? time);
  };
  return (members, { newest, time, leader }) => {
    let open: Host | undefined;
    for (const member of members) {
      const { host } = member;
      const { database } = host;
      const closed = since(closedSince, `${host.name} ${host.serverLife()}`, !database.acknowledges(), time);
      const diverged = since(
        divergedSince,
        host.name,
        newest.path.length > 0 && !related(database.position(), newest) && !follows(host, leader),
        time,
      );
      if (isOpen(member)) {
        if (closed > LATE)
          throw new Violation(
            'I10',
            `/primary of ${host.name} says 200, but its database takes no writes since ${closed} ms`,
          );
        if (open !== undefined) throw new Violation('I10', `/primary says 200 on ${open.name} and ${host.name}`);
        open = host;
      } else if (diverged > UNKNOWING && host.link.healthy() && servesReads(member))
        throw new Violation('I5', `/replica of ${host.name} says 200 although its log diverged ${diverged} ms ago`);
    }
  };
};

/** It has the log of whoever is about to be primary: what others have besides is lost with that promotion. */
const follows = ({ database }: Host, leader: string | undefined): boolean =>
  database.streaming() && database.source()?.member === leader;

const related = (a: SimPosition, b: SimPosition): boolean => isPartOf(a, b) || isPartOf(b, a);
