import type { InstanceId, MemberName } from '../core/brand.ts';
import type { ClusterView } from '../core/model.ts';
import type { Settings } from '../core/settings.ts';

/** What a replica counts for, in the words of Patroni's `/cluster`. */
export type SyncRole = 'sync_standby' | 'quorum_standby' | 'replica';

/**
 * Whether commits wait for this replica. Every entry of the sync key must name it, with its instance: while two entries
 * stand side by side (rule D3) only a voter of both is surely waited for.
 */
export const syncRoleOf = (
  view: ClusterView,
  mode: Settings['replication']['mode'],
  name: MemberName,
  instance: InstanceId,
): SyncRole => {
  const entries = view.sync?.value ?? [];
  const voter = `${name}~${instance}`;
  if (mode === 'async' || entries.length === 0) return 'replica';
  if (!entries.every((entry) => entry.acks > 0 && entry.voters.includes(voter))) return 'replica';
  return mode === 'sync' ? 'sync_standby' : 'quorum_standby';
};
