import { ms, type MemberName, type Ms } from './brand.ts';
import { DEFAULT_TIMING, type Timing } from './timing.ts';

/** A member's tags, from its local configuration. */
export interface Tags {
  readonly nofailover: boolean;
  /** 0 means never; the higher one is preferred among equally good positions. */
  readonly failoverPriority: number;
  readonly noloadbalance: boolean;
  readonly clonefrom: boolean;
  /** Replicate from this member instead of from the leader (cascading). */
  readonly replicatefrom: MemberName | undefined;
  readonly nosync: boolean;
  readonly syncPriority: number;
  /** Free tags of the operator: `/replica?tag_x=y`. */
  readonly custom: Readonly<Record<string, string>>;
}

export const NO_TAGS: Tags = {
  nofailover: false,
  failoverPriority: 1,
  noloadbalance: false,
  clonefrom: false,
  replicatefrom: undefined,
  nosync: false,
  syncPriority: 1,
  custom: {},
};

/** The dynamic configuration, shared by all members through etcd. */
export interface Settings {
  readonly timing: Timing;
  readonly replication: {
    readonly mode: 'async' | 'sync' | 'quorum';
    readonly acks: number;
    readonly strict: boolean;
    /** Bytes (or transactions) that a new leader may lack of the last leader's published position. */
    readonly maxLagOnFailover: number;
    /** Bytes (or transactions) that a replica may lack when it becomes a voter. */
    readonly maxLagOnVoter: number;
    /** How long a replica hears nothing of the leader before it suspects it (sync and quorum). */
    readonly suspectAfter: Ms;
  };
  readonly onCrash: 'auto' | 'restart' | 'failover';
  /** How long a crashed database may take to come back in place before a failover. */
  readonly crashRestartTimeout: Ms;
  /** A leader that loses etcd goes on while every member promises not to lead (rule D15). */
  readonly failsafe: boolean;
  readonly pause: boolean;
  /** How long the slot of a member that is gone is kept. */
  readonly slotRetention: Ms;
  /** Database parameters for all members. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Lines of host-based access rules besides the members' own. */
  readonly accessRules: readonly string[];
  /** Permanent replication slots that the operator wants on the leader. */
  readonly slots: Readonly<
    Record<string, { readonly type: 'physical' | 'logical'; readonly database?: string; readonly plugin?: string }>
  >;
}

export const DEFAULT_SETTINGS: Settings = {
  timing: DEFAULT_TIMING,
  replication: {
    mode: 'async',
    acks: 1,
    strict: false,
    maxLagOnFailover: 1_048_576,
    maxLagOnVoter: 16_777_216,
    suspectAfter: ms(1_500),
  },
  onCrash: 'auto',
  crashRestartTimeout: ms(60_000),
  failsafe: true,
  pause: false,
  slotRetention: ms(3_600_000),
  parameters: {},
  accessRules: [],
  slots: {},
};
