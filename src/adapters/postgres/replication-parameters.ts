import { isWeakLevel } from './commit-levels.ts';
import { receiverConninfo } from './conninfo.ts';
import { receiverName } from './receiver-names.ts';
import type { PostgresSettings } from './settings.ts';
import type { Site } from './site.ts';
import { slotName } from './slot-names.ts';
import { standbyNames, type Demand } from './standby-names.ts';
import { parseMemberName } from '../../core/brand.ts';

type Parameters = Readonly<Record<string, string>>;

/** Versions from here on keep logical consumers behind the replicas of a list, and can copy logical slots to a replica. */
const SLOT_LISTS = 17;

/**
 * What is demanded of a commit. In the synchronous modes a database that was told nothing lets no commit end: whatever makes it a
 * primary, it acknowledges nothing that its voters do not have (A8, C12).
 */
export const demandInForce = ({ demand, config }: PostgresSettings): Demand =>
  demand ?? (config?.synchronous === undefined ? { kind: 'none' } : { kind: 'nobody' });

/** Replicas of the cluster keep copies of the primary's logical slots (17 and newer). */
export const copiesSlots = ({ config }: PostgresSettings): boolean =>
  config?.parameters['sync_replication_slots'] === 'on';

const ownReceiver = (site: Site, { config }: PostgresSettings): string => {
  const { name } = site.options;
  return config === undefined ? name : (receiverName(`${name}~${config.instance}`) ?? name);
};

/** Where the log comes from; nothing at all, neither the archive nor copies of slots, while nobody is followed (C6). */
const sourceParameters = (site: Site, settings: PostgresSettings, major: number): Parameters => {
  const { options, paths } = site;
  const { source } = settings;
  if (source === undefined)
    return {
      primary_conninfo: '',
      primary_slot_name: '',
      restore_command: '',
      ...(major >= SLOT_LISTS ? { sync_replication_slots: 'off' } : {}),
    };
  return {
    primary_conninfo: receiverConninfo(
      options,
      paths.passfile,
      source,
      ownReceiver(site, settings),
      major >= SLOT_LISTS && copiesSlots(settings),
    ),
    primary_slot_name: slotName(options.name),
    restore_command: options.restoreCommand ?? '',
  };
};

/** Replicas that logical consumers never get ahead of: the voters, so that the list changes with the demand and in its step. */
const slotsAhead = (demand: Demand): string => {
  if (demand.kind === 'none' || demand.kind === 'nobody') return '';
  const members = demand.voters.map((voter) => parseMemberName(voter.split('~')[0])).filter((m) => m !== undefined);
  return members.map(slotName).join(', ');
};

/**
 * A voter hears its source at least twice in `suspectAfter` (a receiver asks for a sign of life at half of its timeout) and knows of
 * the end of its stream by then; queries do not hold its replay up for longer (07-review A9, C13).
 */
const voterParameters = ({ config }: PostgresSettings): Parameters => {
  const { synchronous } = config ?? {};
  if (synchronous === undefined) return {};
  const delay = `${Math.round(synchronous.suspectAfter / 2)}ms`;
  return {
    wal_receiver_timeout: `${Math.round(Math.max(1_000, synchronous.suspectAfter))}ms`,
    ...(synchronous.mayVote ? { max_standby_streaming_delay: delay, max_standby_archive_delay: delay } : {}),
  };
};

/**
 * The parameters of replication, which are the agent's alone.
 * @param level what `synchronous_commit` would be otherwise, where it is known
 */
export const replicationParameters = (
  site: Site,
  settings: PostgresSettings,
  major: number,
  level: string | undefined,
): Parameters => {
  const demand = demandInForce(settings);
  const tooWeak = settings.config?.synchronous?.strict === true && level !== undefined && isWeakLevel(level);
  return {
    ...sourceParameters(site, settings, major),
    ...voterParameters(settings),
    ...(tooWeak ? { synchronous_commit: 'on' } : {}),
    synchronous_standby_names: standbyNames(demand),
    ...(major >= SLOT_LISTS ? { synchronized_standby_slots: slotsAhead(demand) } : {}),
  };
};
