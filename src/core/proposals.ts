import {
  NEVER,
  revisionOf,
  termOf,
  type LeaseId,
  type MemberName,
  type Ms,
  type Revision,
  type Term,
} from './brand.ts';
import type {
  ClusterView,
  ConfigVersion,
  Failsafe,
  Heartbeat,
  HistoryEntry,
  Initialize,
  Intent,
  Keyed,
  Loss,
  MemberRecord,
  Pledge,
  Suspicion,
  SyncEntry,
} from './model.ts';
import type { Memory } from './memory.ts';
import type { Position } from './position.ts';
import type { Reign } from './reign.ts';
import type { KeyRef, StateTransaction, StateWrite } from './transaction.ts';

/**
 * The transactions of the protocol as data (rules D3, D4, D6, D13, D14). Each compares the mod revision of every key
 * that it depends on, and changes at least one of those (rule D2).
 */

const LEADER = { kind: 'leader' } as const;
const HEARTBEAT = { kind: 'heartbeat' } as const;
const HISTORY = { kind: 'history' } as const;
const SYNC = { kind: 'sync' } as const;
const FAILSAFE = { kind: 'failsafe' } as const;

const compare = (key: KeyRef, modRevision: Revision): { readonly key: KeyRef; readonly modRevision: Revision } => ({
  key,
  modRevision,
});
const at = (keyed: { readonly modRevision: Revision } | undefined): Revision => keyed?.modRevision ?? NEVER;

/** The newest history entry moves below its own term when a newer one is written (rule D1). */
const archiveHistory = (view: ClusterView): readonly StateWrite[] =>
  view.history === undefined
    ? []
    : [{ kind: 'put', key: { kind: 'history-of', term: termOf(view.history.modRevision) }, value: view.history.value }];

/** The next log generation that nobody has reserved yet (invariant I6). */
export const nextGeneration = (view: ClusterView, own: number): number =>
  Math.max(view.history?.value.generation ?? 1, own) + 1;

type Author = Pick<Memory, 'self' | 'instance'>;

/** What a new leader promises, in the same transaction (rules D3, D9); nothing where nothing is promised. */
const promising = (entries: readonly SyncEntry[] | undefined): readonly StateWrite[] =>
  entries === undefined ? [] : [{ kind: 'put', key: SYNC, value: entries }];

/** Who writes a heartbeat: how a later reader knows whose it is. */
const signature = (memory: Author): Pick<Heartbeat, 'member' | 'instance' | 'agent'> => ({
  member: memory.self.name,
  instance: memory.instance,
  agent: memory.self.agent,
});

/** The next heartbeat of a term, as far as it is the same whatever it says. */
const nextOf = (reign: Reign, memory: Author): Pick<Heartbeat, 'term' | 'seq' | 'member' | 'instance' | 'agent'> => ({
  term: reign.term,
  seq: reign.seq + 1,
  ...signature(memory),
});

/** What every write of a holder depends on: its term, and its own last heartbeat (rules D2, D4). */
const holding = (reign: Reign): StateTransaction['compare'] => [
  compare(LEADER, revisionOf(reign.term)),
  compare(HEARTBEAT, reign.heartbeatRevision),
];

/** D3: become leader. `from` is what this member saw; the transaction fails when any of it has changed. */
export const proposeLead = (input: {
  readonly view: ClusterView;
  readonly memory: Pick<Memory, 'self' | 'instance' | 'time' | 'lease'>;
  readonly how: HistoryEntry['how'];
  readonly loss?: Loss | undefined;
  readonly generation: number;
  readonly ttl: Ms;
  readonly reason: string;
  /** The last position known of the predecessor. */
  readonly from: Position | undefined;
  /** What the new leader says of itself until it is primary: the same, where that is still somewhere. */
  readonly position: Position | undefined;
  /** The list with this leader's own promise added; undefined: it stays as it is. */
  readonly entries?: readonly SyncEntry[] | undefined;
  /** The pledges that this member's right rests on (rule D9). */
  readonly pledges?: readonly Keyed<Pledge>[];
}): StateTransaction | undefined => {
  const { view, memory } = input;
  if (memory.lease === undefined) return undefined;
  const heartbeat: Heartbeat = {
    term: undefined,
    seq: 0,
    ...signature(memory),
    ttl: input.ttl,
    released: false,
    cleared: false,
    paused: false,
    position: input.position,
    slots: view.heartbeat?.value.slots ?? {},
  };
  const history: HistoryEntry = {
    member: memory.self.name,
    instance: memory.instance,
    generation: input.generation,
    how: input.how,
    loss: input.loss,
    reason: input.reason,
    at: memory.time,
    from: input.from,
  };
  return {
    compare: [
      compare(LEADER, at(view.leader)),
      compare(HEARTBEAT, at(view.heartbeat)),
      compare(HISTORY, at(view.history)),
      compare(SYNC, at(view.sync)),
      // Only members named there may take the key: it must be the list that was looked at (rule D15).
      compare(FAILSAFE, at(view.failsafe)),
      ...(input.pledges ?? []).map(({ value, modRevision }) =>
        compare({ kind: 'pledge', name: value.member }, modRevision),
      ),
    ],
    writes: [
      { kind: 'put', key: LEADER, value: memory.self.name, lease: memory.lease },
      { kind: 'put', key: HEARTBEAT, value: heartbeat },
      { kind: 'put', key: HISTORY, value: history },
      ...promising(input.entries),
      ...archiveHistory(view),
    ],
  };
};

/** D8: replaces what is promised; the caller has seen to the barrier. Compares the term and the list. */
export const proposePublish = (
  term: Term,
  view: Pick<ClusterView, 'sync'>,
  entries: readonly SyncEntry[],
): StateTransaction => ({
  compare: [compare(LEADER, revisionOf(term)), compare(SYNC, at(view.sync))],
  writes: [{ kind: 'put', key: SYNC, value: entries }],
});

/**
 * D11: a pledge for the newest term, or its withdrawal, in the own register, which is never deleted. Compares the register and
 * that the term is still the newest.
 */
export const proposePledge = (pledge: Pledge, view: Pick<ClusterView, 'pledges' | 'history'>): StateTransaction => {
  const key = { kind: 'pledge', name: pledge.member } as const;
  return {
    compare: [compare(key, at(view.pledges.get(pledge.member))), compare(HISTORY, at(view.history))],
    writes: [{ kind: 'put', key, value: pledge }],
  };
};

/** This member suspects the leader, or (undefined) does no more. On its lease: a dead member suspects nobody. */
export const proposeSuspicion = (
  self: MemberName,
  suspicion: Suspicion | undefined,
  view: Pick<ClusterView, 'suspects'>,
  lease: LeaseId,
): StateTransaction => {
  const key = { kind: 'suspect', name: self } as const;
  return {
    compare: [compare(key, at(view.suspects.get(self)))],
    writes: [suspicion === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: suspicion, lease }],
  };
};

/** D4: the holder proves itself. Compares its term and its own last heartbeat. */
export const proposeHeartbeat = (
  reign: Reign,
  memory: Author,
  says: {
    readonly cleared: boolean;
    readonly paused: boolean;
    readonly ttl: Ms;
    readonly position: Position | undefined;
    readonly slots: Readonly<Record<string, string>>;
  },
): StateTransaction => ({
  compare: holding(reign),
  writes: [
    {
      kind: 'put',
      key: HEARTBEAT,
      value: {
        ...nextOf(reign, memory),
        released: false,
        ...says,
      },
    },
  ],
});

/** D6: the fence is verified; say so and give the key back. Only for a holder that was itself cleared (A3b). */
export const proposeRelease = (reign: Reign, memory: Author, position: Position | undefined): StateTransaction => ({
  compare: holding(reign),
  writes: [
    {
      kind: 'put',
      key: HEARTBEAT,
      value: {
        ...nextOf(reign, memory),
        ttl: reign.ttl,
        released: true,
        cleared: true,
        paused: false,
        position,
        slots: {},
      },
    },
    { kind: 'delete', key: LEADER },
  ],
});

/** A holder that was never cleared gives the key back without a word about its predecessor (A3b). */
export const proposeGiveBack = (reign: Reign): StateTransaction => ({
  compare: holding(reign),
  writes: [{ kind: 'delete', key: LEADER }],
});

/** A key that names this member but cannot be led with vanishes, as if its lease had ended. */
export const proposeDisown = (leader: Revision): StateTransaction => ({
  compare: [compare(LEADER, leader)],
  writes: [{ kind: 'delete', key: LEADER }],
});

/**
 * D14: put the leader key on the candidate's lease. The database is stopped cleanly and the candidate has all of it: the
 * life of its data that was asked, which is why its record is compared (docs/decisions/0007).
 */
export const proposeHandOver = (input: {
  readonly reign: Reign;
  readonly view: ClusterView;
  readonly memory: Pick<Memory, 'self' | 'instance' | 'time' | 'wall'>;
  readonly to: Keyed<MemberRecord>;
  readonly position: Position;
  readonly intent: Extract<Intent, { kind: 'switchover' | 'failover' }> | undefined;
  readonly intentRevision: Revision;
  readonly reason: string;
  /** The list with the new leader's promise added; undefined: it stays as it is. */
  readonly entries?: readonly SyncEntry[] | undefined;
}): StateTransaction => {
  const { reign, view, memory } = input;
  const to = input.to.value;
  const history: HistoryEntry = {
    member: to.name,
    instance: to.instance,
    generation: reign.generation + 1,
    how: 'hand-over',
    loss: { kind: 'none', proof: 'final-position' },
    reason: input.reason,
    at: memory.time,
    from: input.position,
  };
  return {
    compare: [
      compare(LEADER, revisionOf(reign.term)),
      compare(HEARTBEAT, reign.heartbeatRevision),
      compare(HISTORY, at(view.history)),
      compare(SYNC, at(view.sync)),
      compare({ kind: 'member', name: to.name }, input.to.modRevision),
      ...(input.intent === undefined ? [] : [compare({ kind: 'intent', id: input.intent.id }, input.intentRevision)]),
    ],
    writes: [
      { kind: 'put', key: LEADER, value: to.name, lease: to.lease },
      {
        kind: 'put',
        key: HEARTBEAT,
        value: {
          term: undefined,
          seq: 0,
          member: memory.self.name,
          instance: memory.instance,
          agent: memory.self.agent,
          ttl: reign.ttl,
          released: true,
          cleared: true,
          paused: false,
          position: input.position,
          slots: view.heartbeat?.value.slots ?? {},
        },
      },
      { kind: 'put', key: HISTORY, value: history },
      ...promising(input.entries),
      ...archiveHistory(view),
      ...(input.intent === undefined
        ? []
        : [
            {
              kind: 'put' as const,
              key: { kind: 'intent' as const, id: input.intent.id },
              value: { ...input.intent, outcome: { kind: 'done' as const, reason: input.reason, at: memory.wall } },
            },
          ]),
    ],
  };
};

/** D15: who must promise before this leader goes on without etcd; without a list the key is removed. */
export const proposeFailsafe = (reign: Reign, over: Revision, list: Failsafe | undefined): StateTransaction => ({
  compare: [compare(LEADER, revisionOf(reign.term)), compare(FAILSAFE, over)],
  writes: [list === undefined ? { kind: 'delete', key: FAILSAFE } : { kind: 'put', key: FAILSAFE, value: list }],
});

/** D6: an ex-leader that cannot write the heartbeat any more says that it is fenced. */
export const proposeFenced = (term: Term, self: MemberName, lease: LeaseId | undefined): StateTransaction => ({
  compare: [compare({ kind: 'fenced', term }, NEVER)],
  writes: [
    { kind: 'put', key: { kind: 'fenced', term }, value: { member: self }, ...(lease === undefined ? {} : { lease }) },
  ],
});

/** Ends an intent with its outcome, if nobody else did. */
export const proposeOutcome = (
  intent: Intent,
  modRevision: Revision,
  outcome: NonNullable<Intent['outcome']>,
): StateTransaction => ({
  compare: [compare({ kind: 'intent', id: intent.id }, modRevision)],
  writes: [{ kind: 'put', key: { kind: 'intent', id: intent.id }, value: { ...intent, outcome } }],
});

/** Publishes this member, on its own lease. */
export const proposeMember = (record: MemberRecord, modRevision: Revision): StateTransaction => ({
  compare: [compare({ kind: 'member', name: record.name }, modRevision)],
  writes: [{ kind: 'put', key: { kind: 'member', name: record.name }, value: record, lease: record.lease }],
});

/** Claims or publishes the cluster's identity (invariant I12), with the first dynamic configuration where there is none. */
export const proposeInitialize = (
  value: Initialize,
  view: ClusterView,
  memory: Pick<Memory, 'self' | 'time'>,
): StateTransaction => {
  const first: ConfigVersion = {
    number: 1,
    document: memory.self.bootstrapDocument,
    by: memory.self.name,
    at: memory.time,
  };
  const config: readonly StateWrite[] =
    view.configuration === undefined && !view.unreadable.has('config')
      ? [
          { kind: 'put', key: { kind: 'config' }, value: first },
          { kind: 'put', key: { kind: 'config-version', number: first.number }, value: first },
        ]
      : [];
  return {
    compare: [
      compare({ kind: 'initialize' }, at(view.initialize)),
      compare({ kind: 'config' }, at(view.configuration)),
    ],
    writes: [{ kind: 'put', key: { kind: 'initialize' }, value }, ...config],
  };
};

/** Removes an intent that ended long ago. */
export const proposeForget = (id: string, modRevision: Revision): StateTransaction => ({
  compare: [compare({ kind: 'intent', id }, modRevision)],
  writes: [{ kind: 'delete', key: { kind: 'intent', id } }],
});
