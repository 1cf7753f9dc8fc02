import type { Suspicion } from '../model.ts';
import { elapsedAtMost } from '../instant.ts';
import { inFlight, send } from '../flights.ts';
import type { Effect, Memory } from '../memory.ts';
import { proposeSuspicion } from '../proposals.ts';
import { binds } from './promise.ts';
import { suspects, wantsToAsk } from './sight.ts';

/** How often the agent of a silent leader is asked. */
const ASK_EVERY = 100;

/** A suspicion is not written again before the last one can be in the view. */
const RECORD_EVERY = 200;

/**
 * What a follower does while the leader is silent, whatever else is decided: it asks the leader's agent, and records that it
 * suspects the leader, which has no effect by itself (02 "Losing the leader"). Only where writes are promised.
 */
export const watchLeader = (m: Memory): readonly [Memory, readonly Effect[]] => {
  if (m.view === undefined || m.reign !== undefined || !binds(m.view)) return [m, []];
  const [told, effects] = recordSuspicion(m);
  const ask =
    wantsToAsk(told) && !told.asking && (told.peers === undefined || elapsedAtMost(told.peers.at, m.now) >= ASK_EVERY);
  return ask ? [{ ...told, asking: true }, [...effects, { kind: 'ask-peers' }]] : [told, effects];
};

/** The own suspicion as it should stand in etcd; undefined: none. */
const suspicionOf = (m: Memory): Suspicion | undefined => {
  const evidence = m.settings.pause ? undefined : suspects(m);
  if (evidence === undefined || m.sight === undefined) return undefined;
  return { member: m.self.name, instance: m.instance, term: m.sight.term, evidence };
};

const recordSuspicion = (m: Memory): readonly [Memory, readonly Effect[]] => {
  const { view, lease } = m;
  if (view === undefined || lease === undefined || inFlight(m, 'suspect')) return [m, []];
  if (m.suspectedAt !== undefined && elapsedAtMost(m.suspectedAt, m.now) < RECORD_EVERY) return [m, []];
  const wanted = suspicionOf(m);
  const found = view.suspects.get(m.self.name)?.value;
  const same =
    found?.term === wanted?.term && found?.instance === wanted?.instance && found?.evidence === wanted?.evidence;
  if (same) return [m, []];
  const sent: Memory = { ...m, suspectedAt: m.now };
  return send(sent, { kind: 'suspect' }, proposeSuspicion(m.self.name, wanted, view, lease));
};
