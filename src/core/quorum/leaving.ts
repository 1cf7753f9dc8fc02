import type { Memory } from '../memory.ts';

/** Whether a member is about to be away by plan: it is no voter from then on, so that no commit waits for it. */

/** Asked to be restarted or copied anew, now and for something. */
const asked = ({ view, self, wall, database }: Memory): boolean => {
  const running = database.kind === 'known' && database.value.kind === 'running' ? database.value : undefined;
  return (view?.intents ?? []).some(({ value }) => {
    if (value.kind !== 'restart' && value.kind !== 'reinitialize') return false;
    if (value.member !== self.name || value.outcome !== undefined) return false;
    if (value.at !== undefined && value.at > wall) return false;
    return value.kind !== 'restart' || !value.onlyIfPending || (running?.pendingRestart.length ?? 0) > 0;
  });
};

/** It stops with its database, or is restarted or copied anew until that is done. */
export const leaves = (m: Memory): boolean =>
  m.stopping === 'full' || (m.reign === undefined && (m.carrying !== undefined || asked(m)));
