import { elapsedAtLeast, remaining } from '../instant.ts';
import type { Memory } from '../memory.ts';
import type { ClusterView } from '../model.ts';
import { promiseLeft } from '../promise.ts';
import { silenceLeft } from '../reign.ts';
import { LATE_HEARTBEATS, lateAfter } from '../timing.ts';
import { binds, newestTerm, satisfiesAll, suspectsOf } from './promise.ts';
import { memberOf } from './sets.ts';

/** When the members are to pledge: the leader is fenced, silent for its whole right, or suspected by enough (02 "Losing the leader"). */

const members = (view: ClusterView): number => {
  const names = new Set([...view.members.keys()].map(String));
  for (const entry of view.sync?.value ?? [])
    for (const voter of [entry.leader, ...entry.voters]) names.add(memberOf(voter));
  return names.size;
};

/** Enough voters suspect the leader for an election to succeed, and not one member alone (B2, B3). */
const suspected = (m: Memory, view: ClusterView): boolean => {
  const suspects = suspectsOf(view);
  if (suspects.size === 0 || !satisfiesAll(view, suspects)) return false;
  if (members(view) > 2) return suspects.size >= 2;
  // With two members a cut link looks like a dead leader: its heartbeat must be late as well (B2).
  return (
    m.silence !== undefined &&
    elapsedAtLeast(m.silence.since, m.now) >
      Math.max(lateAfter(m.silence.ttl), LATE_HEARTBEATS * m.settings.timing.heartbeatInterval)
  );
};

/**
 * This member should pledge for the newest term. Only where something is promised; never while paused, where the last leader's right has no
 * end; and not before the wait after a withdrawal is over (B6).
 */
export const pledgeWanted = (m: Memory): boolean => {
  const { view, silence } = m;
  if (view === undefined || !binds(view) || m.reign !== undefined || m.settings.pause) return false;
  // Who has promised a leader without etcd not to lead does not take its voters away either (rule D15).
  if (promiseLeft(m) > 0) return false;
  const term = newestTerm(view);
  const withdrawn = m.pledging.withdrawn;
  if (withdrawn !== undefined && withdrawn.term === term && remaining(withdrawn.notBefore, m.now) > 0) return false;
  const released = view.heartbeat?.value.released === true || (term !== undefined && view.fenced.has(term));
  if (released && view.leader === undefined) return true;
  if (silence === undefined || (silence.paused && !released)) return false;
  return silenceLeft(silence, m.settings.timing.drift, m.now) === 0 || suspected(m, view);
};
