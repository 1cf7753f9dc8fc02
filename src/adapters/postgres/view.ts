import type { ReplicaConnection, RunningDatabase, Source } from '../../core/database.ts';
import { laterLsn, lsnAt, timelineOfName } from './lsn.ts';
import type { Histories } from './histories.ts';
import { toPosition } from './positions.ts';
import type { RunningAnswer } from './running-query.ts';
import { isMemberSlot, memberOfSlot } from './slot-names.ts';

/** What the view needs besides the server's own answer. */
export interface ViewContext {
  readonly source: Source | undefined;
  readonly writable: boolean;
  readonly pendingRestart: readonly string[];
  readonly histories: Histories;
  /** Timeline and end of the log over the replication protocol, for a replica without a receiver. */
  identify(): Promise<{ readonly timeline: number; readonly lsn: bigint }>;
  /** Member of a hashed slot name. */
  ownerOf(slot: string): string | undefined;
}

const slotsOf = (answer: RunningAnswer, ownerOf: ViewContext['ownerOf']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    answer.slots.flatMap(({ name, restart }) => {
      if (restart === null) return [];
      const owner = isMemberSlot(name) ? (memberOfSlot(name) ?? ownerOf(name) ?? name) : `slot:${name}`;
      return [[owner, restart] as const];
    }),
  );

const replicasOf = (answer: RunningAnswer): readonly ReplicaConnection[] =>
  answer.replicas.map((each) => ({
    name: each.name,
    address: each.address ?? undefined,
    state: each.state,
    sync: each.sync ?? 'async',
    lag: each.lag === null ? undefined : Math.max(0, each.lag),
    flushed: undefined,
    heardAgoMs: undefined,
  }));

const common = (answer: RunningAnswer, context: ViewContext) => ({
  kind: 'running' as const,
  systemId: answer.systemId,
  receiver: undefined,
  acknowledgement: undefined,
  waitingCommits: 0,
  replicas: replicasOf(answer),
  slots: slotsOf(answer, context.ownerOf),
  pendingRestart: context.pendingRestart,
  serverVersion: answer.version,
  startedAt: answer.startedAt,
});

const primaryView = async (
  answer: RunningAnswer,
  primary: NonNullable<RunningAnswer['primary']>,
  context: ViewContext,
): Promise<RunningDatabase> => {
  const generation = timelineOfName(primary.file) ?? 0;
  return {
    ...common(answer, context),
    role: 'primary',
    writable: !answer.readOnly && context.writable,
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
    ...common(answer, context),
    role: 'replica',
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
