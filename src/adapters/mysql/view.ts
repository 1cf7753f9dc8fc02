import type {
  Acknowledgement,
  LostTail,
  ReceiverView,
  ReplicaConnection,
  RunningDatabase,
  Source,
} from '../../core/database.ts';
import type { Facts } from './facts.ts';
import type { Credentials } from './options.ts';
import type { Row } from './session.ts';
import { isVoterAccount, voterAccount } from './voters.ts';

/** What the view needs besides the server's own answer. */
export interface ViewContext {
  readonly systemId: string;
  readonly source: Source | undefined;
  /** The replica mark is absent. */
  readonly promoted: boolean;
  /** What its last small write met, when that failed. */
  readonly writeFailed: string | undefined;
  /** Its disk has no room for another file of the log; it is nearly so. */
  readonly full: string | undefined;
  readonly scarce: string | undefined;
  readonly pendingRestart: readonly string[];
  readonly replicas: readonly Row[];
  /** How far the senders to an account have sent: 'all' not long ago, or not; absent where none sends. */
  readonly sent: ReadonlyMap<string, 'all' | 'part'>;
  /** What was last demanded of commits. */
  readonly demand: Acknowledgement | undefined;
  readonly credentials: Credentials;
  readonly weakAcks: number;
  /** Its acknowledgements could be asked for. */
  readonly mayVote: boolean;
  readonly dropped: LostTail | undefined;
  readonly receiver: ReceiverView;
  readonly startedAt: number;
}

/** The server does not tell which sender serves which replica: voters are known by their account, others only all together. */
const replicasOf = ({ dialect }: Facts, context: ViewContext): readonly ReplicaConnection[] =>
  context.replicas.map((row) => {
    const { name, host } = dialect.replicaOf(row);
    const asVoter = context.sent.get(voterAccount(name, context.credentials).username);
    const sent = asVoter ?? context.sent.get(context.credentials.replication.username);
    return {
      name,
      address: host,
      state: 'streaming',
      sync: asVoter === undefined ? 'async' : 'voter',
      lag: sent === 'all' ? 0 : undefined,
      flushed: undefined,
      heardAgoMs: undefined,
    };
  });

const acknowledgementOf = ({ demanded }: Facts, { demand }: ViewContext): Acknowledgement | undefined => {
  if (demanded.acks === undefined) return undefined;
  return demanded.acks === 0 ? { voters: [], acks: 0 } : { voters: demand?.voters ?? [], acks: demanded.acks };
};

/**
 * The engine-neutral view of a running server. It is a primary once the agent has promoted it, and also where it takes writes
 * although nobody has.
 */
export const runningView = (facts: Facts, context: ViewContext): RunningDatabase => {
  const { dialect, generation } = facts;
  const primary = context.promoted || !facts.readOnly;
  const received = dialect.toPosition(facts.reached, generation);
  const failing = context.writeFailed ?? context.full;
  const errant =
    primary || facts.errant === undefined
      ? undefined
      : `somebody wrote on it while it was a replica (${facts.errant}): it is copied anew as soon as its leader writes`;
  const unfit = errant ?? context.scarce;
  return {
    kind: 'running',
    systemId: context.systemId,
    role: primary ? 'primary' : 'replica',
    writable: !facts.readOnly && context.writeFailed === undefined,
    ...(primary && failing !== undefined ? { failing } : {}),
    ...(unfit === undefined ? {} : { unfit }),
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
    ...(!primary && context.mayVote && context.source !== undefined && !isVoterAccount(facts.account)
      ? { restless: true }
      : {}),
    acknowledgement: acknowledgementOf(facts, context),
    waitingCommits: facts.demanded.waiting,
    ...(context.weakAcks > 0 ? { weakAcks: context.weakAcks } : {}),
    ...(context.dropped === undefined ? {} : { dropped: context.dropped }),
    replicas: replicasOf(facts, context),
    slots: {},
    pendingRestart: context.pendingRestart,
    serverVersion: dialect.version,
    startedAt: context.startedAt,
    // Nothing is ever rewound to it: these engines have no rewind.
    rewindable: true,
  };
};
