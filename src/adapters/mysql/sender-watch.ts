import { elapsedAtMost, type Instant } from '../../core/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Row } from './session.ts';

/** A busy primary is rarely seen with nothing left to send: once in this time is near enough. */
const RECENTLY = 10_000;

/**
 * What the senders of the log have sent, by account: `all` where each of them had nothing left to send not long ago. Made once, told
 * every look's rows.
 */
export const createSenderWatch = (
  clock: Pick<Clock, 'now'>,
): ((rows: readonly Row[]) => ReadonlyMap<string, 'all' | 'part'>) => {
  let complete = new Map<string, Instant>();
  return (rows) => {
    const now = clock.now();
    const next = new Map<string, Instant>();
    const sent = new Map<string, 'all' | 'part'>();
    for (const row of rows) {
      const id = row['id'] ?? '';
      const account = row['account'] ?? '';
      const at = row['done'] === '1' ? now : complete.get(id);
      if (at !== undefined) next.set(id, at);
      const recent = at !== undefined && elapsedAtMost(at, now) <= RECENTLY;
      sent.set(account, recent && sent.get(account) !== 'part' ? 'all' : 'part');
    }
    complete = next;
    return sent;
  };
};
