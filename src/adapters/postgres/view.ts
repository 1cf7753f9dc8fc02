import type {
  Acknowledgement,
  LostTail,
  ReceiverView,
  ReplicaConnection,
  RunningDatabase,
  Source,
} from '../../core/database.ts';
import { laterLsn, lsnAt, timelineOfName } from './lsn.ts';
import type { Histories } from './histories.ts';
import { toPosition } from './positions.ts';
import type { RunningAnswer } from './running-query.ts';
import { isMemberSlot, memberOfSlot } from './slot-names.ts';
import { parseStandbyNames } from './standby-names.ts';
import type { Streams } from './streams.ts';

/** What the view needs besides the server's own answer. */
export interface ViewContext {
  readonly source: Source | undefined;
  /** What its last small write met, when that failed. */
  readonly writeFailed: string | undefined;
  /** Its disk has no room for another segment of the log; it is nearly so. */
  readonly full: string | undefined;
  readonly scarce: string | undefined;
  readonly pendingRestart: readonly string[];
  readonly cautions: readonly string[];
  readonly weakAcks: number | undefined;
  readonly dropped: LostTail | undefined;
  readonly histories: Histories;
  /** Timeline and end of the log over the replication protocol, for a replica without a receiver. */
  identify(): Promise<{ readonly timeline: number; readonly lsn: bigint }>;
  /** Member of a hashed slot name. */
  ownerOf(slot: string): string | undefined;
  /** `member~instance` of a receiver's name. */
  voterOf(receiver: string): string;
  readonly streams: Pick<Streams, 'sourceHeardAgoMs' | 'receiverHeardAgoMs' | 'endedAgoMs'>;
}

const slotsOf = (answer: RunningAnswer, ownerOf: ViewContext['ownerOf']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    answer.slots.flatMap(({ name, restart }) => {
      if (restart === null) return [];
      const owner = isMemberSlot(name) ? (memberOfSlot(name) ?? ownerOf(name) ?? name) : `slot:${name}`;
      return [[owner, restart] as const];
    }),
  );

/** Connected replicas; what they keep lies on the timeline that this server sends. */
const replicasOf = (
  answer: RunningAnswer,
  timeline: number,
  context: ViewContext,
): Promise<readonly ReplicaConnection[]> =>
  Promise.all(
    answer.replicas.map(async (each) => ({
      name: context.voterOf(each.name),
      address: each.address ?? undefined,
      state: each.state,
      sync: each.sync ?? 'async',
      lag: each.lag === null ? undefined : Math.max(0, each.lag),
      flushed:
        each.flushed === null
          ? undefined
          : toPosition(await context.histories.reach(answer.systemId, timeline, each.flushed)),
      heardAgoMs: context.streams.receiverHeardAgoMs(each.pid),
    })),
  );

const acknowledgementOf = (names: string, context: ViewContext): Acknowledgement | undefined => {
  const found = parseStandbyNames(names);
  return found === undefined ? undefined : { voters: found.voters.map(context.voterOf), acks: found.acks };
};

const receiverOf = (replica: NonNullable<RunningAnswer['replica']>, { streams }: ViewContext): ReceiverView => {
  const streaming = replica.receiver?.status === 'streaming';
  const trying = replica.following || replica.receiverPid !== null;
  return {
    state: streaming ? 'streaming' : trying ? 'connecting' : 'none',
    heardAgoMs: streams.sourceHeardAgoMs(),
    endedAgoMs: streams.endedAgoMs(),
  };
};

const common = async (answer: RunningAnswer, timeline: number, context: ViewContext) => ({
  kind: 'running' as const,
  systemId: answer.systemId,
  acknowledgement: acknowledgementOf(answer.standbyNames, context),
  waitingCommits: answer.waiting,
  replicas: await replicasOf(answer, timeline, context),
  slots: slotsOf(answer, context.ownerOf),
  pendingRestart: context.pendingRestart,
  ...(context.weakAcks === undefined ? {} : { weakAcks: context.weakAcks }),
  ...(context.dropped === undefined ? {} : { dropped: context.dropped }),
  cautions: context.cautions,
  serverVersion: answer.version,
  startedAt: answer.startedAt,
  ...(context.scarce === undefined ? {} : { unfit: context.scarce }),
});

const primaryView = async (
  answer: RunningAnswer,
  primary: NonNullable<RunningAnswer['primary']>,
  context: ViewContext,
): Promise<RunningDatabase> => {
  const generation = timelineOfName(primary.file) ?? 0;
  const failing = context.writeFailed ?? context.full;
  return {
    ...(await common(answer, generation, context)),
    role: 'primary',
    receiver: undefined,
    writable: !answer.readOnly && context.writeFailed === undefined,
    ...(failing === undefined ? {} : { failing }),
    position: toPosition(await context.histories.reach(answer.systemId, generation, primary.lsn)),
    generation,
    source: undefined,
    streaming: false,
    replay: undefined,
    rewindable: answer.checkpointTimeline === generation,
  };
};

/**
 * Where a replica's log ends. The receiver's timeline counts while what it received is at least what was applied; else the
 * server is asked over the replication protocol, which alone knows the timeline last replayed. After a restart nothing counts as
 * received (C5), so the applied end stands in.
 */
const replicaEnd = async (replica: NonNullable<RunningAnswer['replica']>, context: ViewContext) => {
  const received = replica.received ?? undefined;
  const applied = replica.applied ?? undefined;
  const timeline = replica.receiver?.timeline ?? 0;
  if (received !== undefined && timeline > 0 && received >= (applied ?? 0n))
    return { timeline, lsn: received, applied };
  const found = await context.identify();
  return { timeline: found.timeline, lsn: laterLsn(applied, lsnAt(found.lsn)) ?? lsnAt(0n), applied };
};

const replicaView = async (
  answer: RunningAnswer,
  replica: NonNullable<RunningAnswer['replica']>,
  context: ViewContext,
): Promise<RunningDatabase> => {
  const end = await replicaEnd(replica, context);
  const at = async (lsn: typeof end.lsn) =>
    toPosition(await context.histories.reach(answer.systemId, end.timeline, lsn));
  const position = await at(end.lsn);
  return {
    ...(await common(answer, end.timeline, context)),
    role: 'replica',
    receiver: receiverOf(replica, context),
    writable: false,
    position,
    generation: end.timeline,
    source: replica.following ? context.source : undefined,
    streaming: replica.receiver?.status === 'streaming',
    replay: {
      received: position,
      applied: end.applied === undefined ? undefined : await at(end.applied),
      delayMs: replica.delayMs ?? undefined,
      paused: replica.paused,
      blockers: replica.blockers,
    },
    rewindable: false,
  };
};

/** The engine-neutral view of a running server. */
export const runningView = (answer: RunningAnswer, context: ViewContext): Promise<RunningDatabase> => {
  if (answer.primary !== null) return primaryView(answer, answer.primary, context);
  if (answer.replica !== null) return replicaView(answer, answer.replica, context);
  return Promise.reject(new Error('the server said neither what a primary nor what a replica says'));
};
