import type { Memory } from '../memory.ts';
import { published } from './durability.ts';
import { isLate } from './open.ts';
import { binds } from './promise.ts';
import { sameDemand } from './sets.ts';
import { wantsToAsk } from './sight.ts';

/** How closely a member looks at its own database because of what is promised to clients. */

/** Something is expected of the voters, or of the leader, any moment. */
export const looksClosely = (m: Memory): boolean => {
  if (m.reign === undefined) return binds(m.view) && wantsToAsk(m);
  return isLate(m) || (m.demand.proven !== undefined && !sameDemand(m.demand.proven, published(m)));
};

/** A stream from the leader must be seen to live well before its silence counts. */
export const listens = (m: Memory): boolean => m.reign === undefined && binds(m.view);
