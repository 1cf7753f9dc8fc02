import type { Lab } from '../lab/lab.ts';
import { agentFreeze } from './agent-freeze.ts';
import { agentKill } from './agent-kill.ts';
import { archiveLagging } from './archive-lagging.ts';
import { backendKill } from './backend-kill.ts';
import { blackout } from './blackout.ts';
import { clockStep } from './clock-step.ts';
import { crash } from './crash.ts';
import { dbFreeze } from './db-freeze.ts';
import { dbMute } from './db-mute.ts';
import { diskFull } from './disk-full.ts';
import { diskHang } from './disk-hang.ts';
import { double } from './double.ts';
import { duringClone } from './during-clone.ts';
import { duringSwitchover } from './during-switchover.ts';
import { etcdAll } from './etcd-all.ts';
import { etcdDisk } from './etcd-disk.ts';
import { etcdFull } from './etcd-full.ts';
import { etcdHang } from './etcd-hang.ts';
import { etcdLeaderKill } from './etcd-leader.ts';
import { etcdQuorum } from './etcd-quorum.ts';
import type { Fault, Need } from './fault.ts';
import { flapping } from './flapping.ts';
import { freeze } from './freeze.ts';
import { guardFreeze } from './guard-freeze.ts';
import { handPromoted } from './hand-promoted.ts';
import { kill } from './kill.ts';
import { leaseRevoke } from './lease-revoke.ts';
import { logRemoved } from './log-removed.ts';
import { partition } from './partition.ts';
import { partitionDeaf } from './partition-deaf.ts';
import { partitionEtcd } from './partition-etcd.ts';
import { partitionOneway } from './partition-oneway.ts';
import { partitionReplica } from './partition-replica.ts';
import { partitionReplicas } from './partition-replicas.ts';
import { postmasterFreeze } from './postmaster-freeze.ts';
import { replayBlocked } from './replay-blocked.ts';
import { findStrike, strikeNames, type StrikeName } from './strikes.ts';
import { swarm } from './swarm.ts';
import { switchover } from './switchover.ts';
import { upgrade } from './upgrade.ts';

/** Every fault by the name that all reports use, in the order in which `--scenario all` does them. */
export const faults = {
  switchover,
  crash,
  kill,
  freeze,
  partition,
  'partition-etcd': partitionEtcd,
  'partition-oneway': partitionOneway,
  'partition-deaf': partitionDeaf,
  'partition-replicas': partitionReplicas,
  'partition-replica': partitionReplica,
  'agent-kill': agentKill,
  'agent-freeze': agentFreeze,
  'guard-freeze': guardFreeze,
  'backend-kill': backendKill,
  'postmaster-freeze': postmasterFreeze,
  'db-freeze': dbFreeze,
  'db-mute': dbMute,
  double,
  blackout,
  'hand-promoted': handPromoted,
  'lease-revoke': leaseRevoke,
  'etcd-leader': etcdLeaderKill,
  'etcd-disk': etcdDisk,
  'etcd-full': etcdFull,
  'etcd-hang': etcdHang,
  'etcd-quorum': etcdQuorum,
  'etcd-all': etcdAll,
  'disk-full': diskFull,
  'disk-hang': diskHang,
  'clock-step': clockStep,
  'during-clone': duringClone,
  'during-switchover': duringSwitchover,
  upgrade,
  'log-removed': logRemoved,
  'replay-blocked': replayBlocked,
  'archive-lagging': archiveLagging,
  flapping,
  swarm,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

const isFaultName = (name: string): name is FaultName => Object.hasOwn(faults, name);

export const faultNames: readonly FaultName[] = Object.keys(faults).filter(isFaultName);

/** The fault of that name; `failover` is what the loss of the primary's host is called elsewhere. */
export const findFault = (name: string): FaultName | undefined => {
  const meant = name === 'failover' ? 'kill' : name;
  return isFaultName(meant) ? meant : undefined;
};

/** A fault of the list, or a cell of the table of states (`strikeNames`). */
export type ScenarioName = FaultName | StrikeName;

export const faultOf = (name: ScenarioName): Fault => {
  const found = isFaultName(name) ? faults[name] : findStrike(name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
};

/** What is meant by a name on a command line: `all` faults of the list, the whole table of `states`, or one of either. */
export const findScenarios = (name: string): readonly ScenarioName[] | undefined => {
  if (name === 'all') return faultNames;
  if (name === 'states') return strikeNames;
  const fault = findFault(name);
  if (fault !== undefined) return [fault];
  const strike = strikeNames.find((each) => each === name);
  return strike === undefined ? undefined : [strike];
};

const NEEDED: Readonly<Record<Need, { readonly is: (lab: Lab) => boolean; readonly lacks: string }>> = {
  network: {
    is: (lab) => lab.capabilities.has('network'),
    lacks: 'its hosts share one network address and cannot be cut off from each other',
  },
  volumes: { is: (lab) => lab.volumes !== undefined, lacks: 'its hosts have no disks of their own' },
  clock: { is: (lab) => lab.clock !== undefined, lacks: "its hosts' clocks cannot be stepped" },
  archive: { is: (lab) => lab.archive !== undefined, lacks: 'it has no archive' },
  'etcd-cluster': { is: (lab) => lab.etcd.endpoints.length > 2, lacks: 'it has a single etcd server' },
  'etcd-quota': { is: (lab) => lab.etcd.quotaBytes !== undefined, lacks: 'its etcd is too large to be filled' },
  'three-members': { is: (lab) => lab.members.length > 2, lacks: 'it has fewer than three members' },
  haagentctl: { is: (lab) => lab.system === 'haagent', lacks: 'its members are not run by haagent' },
};

/** Why a fault cannot be done in a lab; undefined when it can. */
export const lackOf = (fault: Fault, lab: Lab): string | undefined => {
  const lacking = fault.needs.find((need) => !NEEDED[need].is(lab));
  return lacking === undefined ? undefined : NEEDED[lacking].lacks;
};
