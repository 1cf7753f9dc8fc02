import type { ReceiverView, ReplicaConnection, RunningDatabase, Source } from '../../core/database.ts';
import type { Facts } from './facts.ts';
import type { Row } from './session.ts';

/** What the view needs besides the server's own answer. */
export interface ViewContext {
  readonly systemId: string;
  readonly source: Source | undefined;
  /** The replica mark is absent. */
  readonly promoted: boolean;
  readonly writable: boolean;
  readonly pendingRestart: readonly string[];
  readonly replicas: readonly Row[];
  readonly receiver: ReceiverView;
  readonly startedAt: number;
}

const replicasOf = ({ dialect }: Facts, rows: readonly Row[]): readonly ReplicaConnection[] =>
  rows.map((row) => {
    const { name, host } = dialect.replicaOf(row);
    return {
      name,
      address: host,
      state: 'streaming',
      sync: 'async',
      lag: undefined,
      flushed: undefined,
      heardAgoMs: undefined,
    };
  });

/**
 * The engine-neutral view of a running server. It is a primary once the agent has promoted it, and also where it takes writes
 * although nobody has.
 */
export const runningView = (facts: Facts, context: ViewContext): RunningDatabase => {
  const { dialect, generation } = facts;
  const primary = context.promoted || !facts.readOnly;
  const received = dialect.toPosition(facts.received, generation);
  return {
    kind: 'running',
    systemId: context.systemId,
    role: primary ? 'primary' : 'replica',
    writable: !facts.readOnly && context.writable,
    position: primary ? dialect.toPosition(facts.executed, generation) : received,
    generation,
    source: primary ? undefined : context.source,
    streaming: !primary && facts.receiver === 'streaming' && facts.applying,
    replay: primary
      ? undefined
      : {
          received,
          applied: dialect.toPosition(facts.executed, generation),
          delayMs: facts.delayMs,
          paused: facts.receiver !== 'none' && !facts.applying,
          blockers: 0,
        },
    receiver: primary ? undefined : context.receiver,
    acknowledgement: undefined,
    waitingCommits: 0,
    replicas: replicasOf(facts, context.replicas),
    slots: {},
    pendingRestart: context.pendingRestart,
    serverVersion: dialect.version,
    startedAt: context.startedAt,
    // Nothing is ever rewound to it: these engines have no rewind.
    rewindable: true,
  };
};
