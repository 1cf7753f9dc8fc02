import type { Memory } from '../memory.ts';
import type { Pledge } from '../model.ts';
import { newestTerm } from './promise.ts';

/** Whether a member may take a log from anybody: a pledge is true only while nothing is received (rule D11). */

/** The own register, where it speaks of the data that is here now. */
export const ownPledge = (m: Memory): Pledge | undefined => {
  const pledge = m.view?.pledges.get(m.self.name)?.value;
  return pledge?.instance === m.instance ? pledge : undefined;
};

/** This member's pledge for the newest term stands in its register. */
export const hasPledged = (m: Memory): boolean => {
  const term = ownPledge(m)?.term;
  return term !== undefined && m.view !== undefined && term === newestTerm(m.view);
};

/** A pledge may have been sent at some time: where nothing was ever promised, and nothing is written, none was. */
export const keepsRegister = (m: Memory): boolean =>
  m.view !== undefined && (m.view.sync !== undefined || m.view.pledges.has(m.self.name));

/**
 * Receiving may begin: no pledge of this member can come to stand for the newest term, now or late. A leader of a newer term than the
 * pledged one may be followed without a withdrawal.
 */
export const mayReceive = (m: Memory): boolean => !keepsRegister(m) || (!m.pledging.unsettled && !hasPledged(m));
