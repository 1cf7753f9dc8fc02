import type { Acknowledgement } from '../database.ts';
import { ms } from '../brand.ts';
import { after, elapsedAtMost, remaining, type Instant } from '../instant.ts';
import type { Memory } from '../memory.ts';
import type { Snapshot } from '../snapshot.ts';
import { concerned, published, revoked } from './durability.ts';
import { HEARD_WITHIN } from '../reign.ts';
import { closedAfter, overdueAfter } from '../timing.ts';

/**
 * Why a leader that is primary and proven does not say so to load balancers in a cluster that promises its writes; undefined when
 * nothing stands against it (rule D16, A17).
 */
export const keptClosed = (s: Snapshot): string | undefined => {
  const { m } = s;
  const { reign } = m;
  if (reign === undefined || !concerned(s)) return undefined;
  const promised = published(m);
  const { mode, strict, acks } = m.settings.replication;
  if (mode !== 'async' && strict && promised.acks < acks)
    return `strict: ${acks} acknowledgements are asked for, ${promised.acks} are promised`;
  if (revoked(m)) return 'enough voters have pledged that they receive nothing from it';
  if (reign.openFrom !== undefined && remaining(reign.openFrom, m.now) > 0)
    return 'the last leader may not have noticed yet that it is late';
  if (relied(m).acks > 0 && isDue(m) && !heard(s)) return 'neither etcd nor enough voters were heard in time';
  return undefined;
};

/** Whose acknowledgements this leader needs: what its database demands, which it may have promised already without knowing it. */
const relied = (m: Memory): Acknowledgement => {
  const { proven } = m.demand;
  return proven !== undefined && proven.acks > 0 ? proven : published(m);
};

/** This leader's last proof is older than a successor waits for: it looks at its database more often, to see who is there. */
export const isLate = (m: Memory): boolean => lateIn(m) <= 0;

/** How old this leader's last proof is; of no age where none is needed. */
const proofAge = ({ reign, now }: Memory): number =>
  reign?.provenAt === undefined || reign.pausePublished ? -Infinity : elapsedAtMost(reign.provenAt, now);

/** A successor counts on it that this leader has closed by now, unless it hears its voters. */
const isDue = (m: Memory): boolean => m.reign !== undefined && proofAge(m) >= closedAfter(m.reign.ttl);

/** Milliseconds until this leader is late. */
const lateIn = (m: Memory): number => overdueAfter(m.reign?.ttl ?? m.settings.timing.ttl) - proofAge(m);

/** How often a late leader asks itself whether its voters are still there, in milliseconds. */
export const LATE_LOOK = 50;

/** Milliseconds after which a leader of voters must ask itself again whether it may say 200. */
export const askAgainIn = (m: Memory): number => {
  if (m.reign === undefined || relied(m).acks === 0) return Infinity;
  return isLate(m) ? LATE_LOOK : lateIn(m) + 1;
};

/** Until when a leader of voters may be taken for open from what it knows now: also when its loop hangs meanwhile (I10). */
export const openUntil = (m: Memory): Instant | undefined => {
  const within = askAgainIn(m);
  if (within === Infinity) return undefined;
  return after(m.now, ms(isLate(m) ? 2 * LATE_LOOK : within));
};

const heard = ({ m, running }: Snapshot): boolean => {
  if (running === undefined || m.databaseAt === undefined) return false;
  const since = elapsedAtMost(m.databaseAt, m.now);
  const promised = relied(m);
  const recent = running.replicas.filter(
    ({ name, heardAgoMs }) =>
      promised.voters.includes(name) && heardAgoMs !== undefined && heardAgoMs + since <= HEARD_WITHIN,
  );
  return recent.length >= promised.acks;
};
