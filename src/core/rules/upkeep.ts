import { elapsedAtMost } from '../instant.ts';
import type { Task } from '../memory.ts';
import type { ClusterView, Intent, Keyed } from '../model.ts';
import {
  backingOff,
  cloneSource,
  dueIntents,
  failuresOf,
  leaderPosition,
  leaderReach,
  wantedSource,
  whyEmpty,
  type Snapshot,
} from '../snapshot.ts';
import { keptClosed } from '../quorum/open.ts';
import { planRejoin } from '../rejoin.ts';
import type { Source } from '../database.ts';
import { peersFresh } from './handover-rules.ts';
import { act, run, wait, type Decision, type Rule } from './rule.ts';
import { failingAlone } from './failing.ts';

/** How often slots are created, advanced and dropped. */
const SLOTS_EVERY = 10_000;
const RESTLESS_EVERY = 1_000;
/** How long an intent that has ended stays readable. */
const KEEP_ENDED = 3_600_000;

/** What of a view the configuration of a database depends on, made once for each view. */
const configurationOf = new WeakMap<ClusterView, string>();

const viewConfiguration = (view: ClusterView): string => {
  const made = configurationOf.get(view);
  if (made !== undefined) return made;
  const hosts = [...new Set([...view.members.values()].map(({ value }) => value.host))].sort();
  const text = JSON.stringify([view.settings?.modRevision.toString() ?? 'none', hosts]);
  configurationOf.set(view, text);
  return text;
};

/** For which settings, members and instance the database should be configured: one text, compared as a whole. */
export const wantedConfiguration = (s: Snapshot): string =>
  `${s.view === undefined ? '' : viewConfiguration(s.view)} ${s.m.instance}`;

type OwnIntent = Extract<Intent, { kind: 'restart' | 'reinitialize' }>;

/** A restart or reinitialize that this member was asked for. */
const ownIntent = (s: Snapshot, kind: OwnIntent['kind']): Keyed<OwnIntent> | undefined =>
  dueIntents(s).find(
    (k): k is Keyed<OwnIntent> => k.value.kind === kind && 'member' in k.value && k.value.member === s.m.self.name,
  );

const carried = (s: Snapshot): Keyed<Intent> | undefined =>
  s.view?.intents.find(({ value }) => value.id === s.m.carrying?.id);

const ended = (s: Snapshot): Keyed<Intent> | undefined =>
  s.view?.intents.find(({ value }) => value.outcome !== undefined && value.outcome.at < s.m.wall - KEEP_ENDED);

/** Restart and reinitialize, asked for by an operator. */
export const intentRules: readonly Rule[] = [
  {
    id: 'intent.restarted',
    why: 'the restart that was asked for is done',
    when: (s) =>
      s.m.carrying?.began === true &&
      carried(s)?.value.kind === 'restart' &&
      s.running !== undefined &&
      s.m.task === undefined &&
      restored(s),
    then: (s) => finish(s, 'done', 'the database was restarted'),
  },
  {
    id: 'intent.reinitialized',
    why: 'the new copy that was asked for is there',
    when: (s) =>
      s.m.carrying?.began === true &&
      carried(s)?.value.kind === 'reinitialize' &&
      s.running !== undefined &&
      s.m.task === undefined,
    then: (s) => finish(s, 'done', 'the data was copied anew'),
  },
  {
    id: 'intent.reinitialize',
    why: 'an operator asked for a new copy of the data',
    when: (s) =>
      s.m.reign === undefined &&
      s.m.task === undefined &&
      s.leader !== undefined &&
      !s.leaderLost &&
      ownIntent(s, 'reinitialize') !== undefined &&
      s.m.carrying === undefined,
    then: (s) => reinitialize(s),
  },
  {
    id: 'intent.reinitialize-leader',
    why: 'the leader’s data is the cluster’s data: it is not thrown away (I13)',
    when: (s) => s.m.reign !== undefined && ownIntent(s, 'reinitialize') !== undefined,
    then: (s) => {
      const intent = ownIntent(s, 'reinitialize');
      return intent === undefined
        ? wait('')
        : act('nothing was changed', [
            {
              do: 'end-intent',
              intent,
              outcome: 'refused',
              reason: `${s.m.self.name} is the leader; switch over first`,
            },
          ]);
    },
  },
  {
    id: 'intent.restart',
    why: 'an operator asked for a restart of the database',
    when: (s) =>
      s.m.task === undefined &&
      s.running !== undefined &&
      s.m.handover === undefined &&
      ownIntent(s, 'restart') !== undefined &&
      s.m.carrying === undefined &&
      (s.m.reign === undefined || s.running.role === 'primary'),
    then: (s) => restart(s),
  },
];

const restored = (s: Snapshot): boolean =>
  s.m.reign === undefined ? s.running?.role === 'replica' : s.running?.role === 'primary' && s.m.reign.barrier;

const finish = (s: Snapshot, outcome: 'done' | 'failed', reason: string): Decision => {
  const intent = carried(s);
  return intent === undefined ? wait('') : act('', [{ do: 'end-intent', intent, outcome, reason }], [reason]);
};

const restart = (s: Snapshot): Decision => {
  const intent = ownIntent(s, 'restart');
  if (intent?.value.kind !== 'restart') return wait('');
  if (intent.value.onlyIfPending && s.running?.pendingRestart.length === 0)
    return act('nothing was changed', [
      { do: 'end-intent', intent, outcome: 'done', reason: 'no parameter waits for a restart' },
    ]);
  const task: Task =
    s.m.reign === undefined
      ? { kind: 'restart', source: s.running?.source }
      : { kind: 'stop', reason: 'restart asked for' };
  return act(
    'then start again',
    [
      { do: 'carry', intent },
      { do: 'run', task },
    ],
    [`asked for by ${intent.value.by}`],
  );
};

const reinitialize = (s: Snapshot): Decision => {
  const intent = ownIntent(s, 'reinitialize');
  const systemId = s.view?.initialize?.value.systemId;
  const from = cloneSource(s, intent?.value.kind === 'reinitialize' && intent.value.fromLeader);
  if (intent === undefined || from === undefined || systemId === undefined)
    return wait('copy as soon as there is a member to copy from');
  const doubt = unproven(s, from);
  if (doubt !== undefined) return doubt;
  const reason = `reinitialize asked for by ${intent.value.by}`;
  return act(
    'then follow the leader',
    [
      { do: 'carry', intent },
      { do: 'run', task: { kind: 'clone', from, systemId, reason } },
    ],
    [reason, `from ${from.member}`],
  );
};

/** Upkeep that any running member does when nothing else is to be done. */
export const upkeepRules: readonly Rule[] = [
  {
    id: 'member.configure',
    quiet: true,
    why: 'settings, or the members that may replicate, have changed',
    when: (s) => s.running !== undefined && s.m.configured !== wantedConfiguration(s) && !backingOff(s, 'configure'),
    then: () => run({ kind: 'configure' }, 'then go on'),
  },
  {
    id: 'leader.make-rewindable',
    quiet: true,
    why: 'others can rewind to this primary only after its first checkpoint',
    when: (s) =>
      s.m.reign !== undefined && s.running?.role === 'primary' && !s.running.rewindable && !backingOff(s, 'checkpoint'),
    then: () => run({ kind: 'checkpoint', purpose: 'rewindable' }, 'then go on'),
  },
  {
    id: 'member.slots',
    quiet: true,
    why: 'slots keep the log that other members still need, also after a failover, and none grows without limit (I17)',
    when: (s) =>
      s.running !== undefined &&
      (s.m.slotsKeptAt === undefined ||
        elapsedAtMost(s.m.slotsKeptAt, s.m.now) > (s.running.restless === true ? RESTLESS_EVERY : SLOTS_EVERY)) &&
      !backingOff(s, 'keep-slots'),
    then: () => run({ kind: 'keep-slots' }, 'then go on'),
  },
  {
    id: 'leader.forget-intents',
    quiet: true,
    why: 'intents that ended long ago are removed',
    when: (s) => s.m.reign !== undefined && ended(s) !== undefined,
    then: (s) => {
      const intent = ended(s);
      return intent === undefined ? wait('') : act('', [{ do: 'forget', intent }]);
    },
  },
  failingAlone,
  {
    id: 'leader.kept-closed',
    why: 'this member leads and its database is primary, but /primary says 503: what the settings promise to clients does not hold now',
    when: (s) => s.m.reign !== undefined && s.running?.role === 'primary' && keptClosed(s) !== undefined,
    then: (s) => wait('open as soon as it holds', [keptClosed(s) ?? ''], 200),
  },
  {
    id: 'leader.steady',
    why: 'this member leads, and its database is open for clients',
    when: (s) => s.m.reign !== undefined && s.running?.role === 'primary',
    then: (s) => wait('go on', [`term ${s.m.reign?.term}`]),
  },
];

/** A member that follows a living leader, from nothing to streaming. */
export const followerRules: readonly Rule[] = [
  {
    id: 'member.reap',
    why: 'processes of a dead server are still there: nothing is started before they are gone',
    when: (s) => s.db?.kind === 'stopped' && s.db.leftovers > 0,
    then: () => run({ kind: 'fence', reason: 'processes of a dead server remain' }, 'then start as a replica'),
  },
  {
    id: 'member.hung',
    why: 'the replica has not answered for too long: it is killed and started again',
    when: (s) => s.db?.kind === 'unresponsive' && s.db.forMs > 2 * s.m.settings.timing.ttl,
    then: (s) =>
      run({ kind: 'fence', reason: 'the replica does not answer' }, 'then start it again', [
        s.db?.kind === 'unresponsive' ? s.db.why : '',
      ]),
  },
  {
    id: 'member.wait-database',
    why: 'the own database is starting or does not answer at the moment',
    when: (s) => s.db?.kind === 'starting' || s.db?.kind === 'unresponsive',
    then: (s) => wait('go on when it answers', [s.db?.kind === 'starting' ? s.db.progress : ''], 300),
  },
  {
    id: 'member.clone',
    why: 'the cluster is known and this member has no usable data: copy it, never create it (I12)',
    when: (s) => (s.db?.kind === 'empty' || s.db?.kind === 'incomplete') && !s.leaderLost && leaderIsPrimary(s),
    then: (s) => clone(s, s.db?.kind === 'incomplete' ? `a ${s.db.step} was interrupted` : whyEmpty(s)),
  },
  {
    id: 'member.wait-donor',
    why: 'this member has no data, and there is no primary to copy from yet',
    when: (s) => s.db?.kind === 'empty' || s.db?.kind === 'incomplete',
    then: () => wait('copy as soon as a leader is primary'),
  },
  {
    id: 'member.rejoin-stopped',
    why: 'the database is stopped and a leader is known: follow, rewind or copy anew, by ancestry',
    when: (s) => s.db?.kind === 'stopped' && s.m.reign === undefined && !s.leaderLost,
    then: (s) => rejoinStopped(s),
  },
  {
    id: 'member.start',
    why: 'the database is stopped: start it as a replica, which is harmless and tells how far its log reaches',
    when: (s) => s.db?.kind === 'stopped',
    then: (s) =>
      backingOff(s, 'start')
        ? wait('try to start again', [s.m.trouble?.message ?? ''], 500)
        : run({ kind: 'start', source: undefined }, 'then look for the leader'),
  },
  {
    id: 'member.log-missing',
    why: 'the log that this replica needs is gone at its source: it can never catch up, so its data is copied anew',
    when: (s) =>
      s.running?.role === 'replica' &&
      s.running.missingLog !== undefined &&
      s.m.reign === undefined &&
      !s.leaderLost &&
      leaderIsPrimary(s),
    then: (s) => clone(s, s.running?.missingLog ?? ''),
  },
  {
    id: 'member.rejoin',
    why: 'a running replica follows the leader where the leader’s history contains its log, else it is rewound or copied anew',
    when: (s) => s.running?.role === 'replica' && s.m.reign === undefined && !s.leaderLost && needsRejoin(s),
    then: (s) => rejoinRunning(s),
  },
];

const leaderIsPrimary = (s: Snapshot): boolean => {
  const position = leaderPosition(s);
  return position !== undefined && s.positions.generation(position) >= (s.view?.history?.value.generation ?? 0);
};

/**
 * What is there is not thrown away before the source has just answered that it has a copy (I13): a dead leader stays in etcd
 * for a lease. Nothing to do where there is nothing to lose.
 */
const unproven = (s: Snapshot, from: Source): Decision | undefined => {
  if (s.db?.kind === 'empty' || s.db?.kind === 'incomplete') return undefined;
  if (!peersFresh(s)) return act('copy when the source has answered', [{ do: 'ask-peers' }], [], 100);
  const answer = s.m.peers?.answers.get(from.member);
  if (answer?.kind === 'known' && (answer.value.role === 'primary' || answer.value.state === 'streaming'))
    return undefined;
  const why = answer?.kind === 'unknown' ? answer.why : 'it is neither primary nor streaming';
  return wait('copy when the source is there', [`${from.member}: ${why}`], 500);
};

const clone = (s: Snapshot, why: string): Decision => {
  const from = cloneSource(s, failuresOf(s, 'clone') > 0);
  const systemId = s.view?.initialize?.value.systemId;
  if (from === undefined || systemId === undefined)
    return wait('copy as soon as the leader has published itself', [why], 500);
  if (backingOff(s, 'clone')) return wait('try to copy again', [why, s.m.trouble?.message ?? ''], 1000);
  const doubt = unproven(s, from);
  if (doubt !== undefined) return doubt;
  return run({ kind: 'clone', from, systemId, reason: why }, 'then follow the leader', [why, `from ${from.member}`]);
};

const plan = (s: Snapshot): ReturnType<typeof planRejoin> =>
  planRejoin({
    own: s.running?.position ?? (s.db?.kind === 'stopped' ? s.db.position : undefined),
    leader: leaderPosition(s),
    reach: leaderReach(s),
    leaderGeneration: s.view?.history?.value.generation ?? 0,
    positions: s.positions,
    rewindObstacles: s.m.rewindObstacles,
    failures: failuresOf(s, 'rewind'),
  });

const rejoinStopped = (s: Snapshot): Decision => {
  const chosen = plan(s);
  const source = wantedSource(s);
  if (!leaderIsPrimary(s) && chosen.kind !== 'follow')
    return wait('start as soon as the leader is primary', [chosen.why], 200);
  if (backingOff(s, 'start')) return wait('try to start again', [s.m.trouble?.message ?? ''], 500);
  if (chosen.kind === 'follow' && source !== undefined)
    return run({ kind: 'start', source }, 'then stream', [chosen.why]);
  if (chosen.kind === 'rewind' && source !== undefined && s.leader?.record !== undefined) {
    if (backingOff(s, 'rewind')) return wait('try to rewind again', [s.m.trouble?.message ?? ''], 1000);
    const { record } = s.leader;
    return run(
      { kind: 'rewind', from: { member: record.name, host: record.host, port: record.port } },
      'then follow the leader',
      [chosen.why],
    );
  }
  if (chosen.kind === 'clone') return clone(s, chosen.why);
  // A source whose history does not contain the own log refuses to stream: harmless; and a rewound copy needs a source.
  return run({ kind: 'start', source }, 'then see how far its log reaches', [chosen.why]);
};

const needsRejoin = (s: Snapshot): boolean => {
  const chosen = plan(s);
  if (chosen.kind === 'wait') return false;
  const source = wantedSource(s);
  return chosen.kind !== 'follow' || (source !== undefined && !sameSource(s, source));
};

const sameSource = (s: Snapshot, source: { readonly host: string; readonly port: number }): boolean =>
  s.running?.source?.host === source.host && s.running.source.port === source.port;

const rejoinRunning = (s: Snapshot): Decision => {
  const chosen = plan(s);
  const source = wantedSource(s);
  if (chosen.kind === 'follow')
    return backingOff(s, 'follow')
      ? wait('try to follow again', [s.m.trouble?.message ?? ''], 500)
      : run({ kind: 'follow', source }, 'then stream', [chosen.why, `from ${source?.member}`]);
  if (chosen.kind === 'clone' || chosen.kind === 'rewind')
    return run(
      { kind: 'stop', reason: chosen.why },
      chosen.kind === 'rewind' ? 'then rewind to the fork' : 'then copy anew',
      [chosen.why],
    );
  return wait('rejoin when the leader is primary', [chosen.why]);
};
