import { elapsedAtMost } from '../instant.ts';
import { dueIntents, ranking, type Snapshot } from '../snapshot.ts';
import type { Intent, Keyed } from '../model.ts';
import { act, run, wait, type Decision, type Rule } from './rule.ts';

/** How fresh the peers' answers must be to choose a candidate by. */
const FRESH_PEERS = 1_000;

/** A round of answers that is young enough to decide from. */
export const peersFresh = (s: Snapshot, within: number = FRESH_PEERS): boolean =>
  s.m.peers !== undefined && elapsedAtMost(s.m.peers.at, s.m.now) <= within;

type Change = Extract<Intent, { kind: 'switchover' | 'failover' }>;

const dueChange = (s: Snapshot): Keyed<Change> | undefined =>
  dueIntents(s).find((k): k is Keyed<Change> => k.value.kind === 'switchover' || k.value.kind === 'failover');

const refuse = (intent: Keyed<Change>, reason: string): Decision =>
  act('nothing was changed', [{ do: 'end-intent', intent, outcome: 'refused', reason }], [reason]);

/** A leader that is asked to hand over: checks the candidate with the same ranking that elections use. */
const considerChange = (s: Snapshot, intent: Keyed<Change>): Decision => {
  const { value } = intent;
  if (value.kind === 'switchover' && value.from !== undefined && value.from !== s.m.self.name)
    return refuse(intent, `the leader is ${s.m.self.name}, not ${value.from}`);
  if (value.kind === 'failover' && value.to === s.m.self.name)
    return act('go on', [{ do: 'end-intent', intent, outcome: 'done', reason: `${value.to} leads` }]);
  if (value.to === s.m.self.name) return refuse(intent, `${value.to} is the leader already`);
  if (!peersFresh(s)) return act('choose the candidate by the peers’ answers', [{ do: 'ask-peers' }]);
  const reports = ranking(s).filter((r) => r.name !== s.m.self.name);
  const chosen = value.to === undefined ? reports.find((r) => r.eligible) : reports.find((r) => r.name === value.to);
  if (chosen === undefined)
    return refuse(
      intent,
      value.to === undefined ? `no member can take over: ${explain(reports)}` : `there is no member ${value.to}`,
    );
  if (!chosen.eligible) return refuse(intent, `${chosen.name} cannot take over: ${explain([chosen])}`);
  const reason =
    value.kind === 'switchover' ? `switchover asked for by ${value.by}` : `failover asked for by ${value.by}`;
  return act(
    'checkpoint, stop, hand over',
    [{ do: 'begin-handover', to: chosen.name, intent: value.id, reason }],
    [reason],
  );
};

/** Each member's name with what keeps it from leading. */
export const explain = (
  reports: readonly {
    readonly name: string;
    readonly reasons: readonly { readonly text: string; readonly blocks: boolean }[];
  }[],
): string =>
  reports
    .map(
      (r) =>
        `${r.name}: ${r.reasons
          .filter((x) => x.blocks)
          .map((x) => x.text)
          .join(', ')}`,
    )
    .join('; ') || 'there is no other member';

/** The steps of a hand-over, each as a rule (02 "Switchover"; D14). */
export const handoverRules: readonly Rule[] = [
  {
    id: 'handover.checkpoint',
    why: 'a checkpoint while still serving makes the stop short',
    when: (s) => s.m.reign !== undefined && s.m.handover?.phase === 'checkpointing',
    then: (s) =>
      run({ kind: 'checkpoint', purpose: 'handover' }, 'then stop the database', [
        `handing over to ${s.m.handover?.to}`,
      ]),
  },
  {
    id: 'handover.stop',
    why: 'the database is stopped cleanly, so that its log has an end that the candidate can reach',
    when: (s) => s.m.reign !== undefined && s.m.handover?.phase === 'stopping',
    then: (s) =>
      run({ kind: 'stop', reason: `hand-over to ${s.m.handover?.to}` }, 'then wait until the candidate has everything'),
  },
  {
    id: 'handover.catch-up',
    why: 'the candidate must have the end of the log before it gets the key: nothing is lost',
    when: (s) => s.m.reign !== undefined && s.m.handover?.phase === 'catching-up',
    then: (s) =>
      act('hand over as soon as the candidate has it', [{ do: 'ask-peers' }], [`waiting for ${s.m.handover?.to}`], 20),
  },
  {
    id: 'handover.settle',
    why: 'the outcome of the hand-over is not known: nothing that would be wrong under either outcome is done (D2)',
    when: (s) => s.m.reign?.unsettled === true && s.m.handover?.phase === 'handing-over',
    then: () => wait('the next heartbeat settles it', [], 100),
  },
  {
    id: 'handover.move-key',
    why: 'one transaction moves the leader key to the candidate’s lease',
    when: (s) => s.m.reign !== undefined && s.m.handover?.phase === 'handing-over',
    then: (s) => act('then follow the new leader', [{ do: 'hand-over' }], [`to ${s.m.handover?.to}`]),
  },
  {
    id: 'handover.failed',
    why: 'the hand-over failed before the key moved: become primary again, with the reason',
    when: (s) => s.m.handover?.phase === 'failed',
    then: (s) => {
      const reason = s.m.handover?.phase === 'failed' ? s.m.handover.why : '';
      return act(
        'then become primary again under a new term',
        [{ do: 'end-handover', outcome: 'failed', reason }],
        [reason],
      );
    },
  },
];

/** What a leader that is open for clients does besides: intents first, then upkeep. */
export const dutyRules: readonly Rule[] = [
  {
    id: 'leader.change-asked',
    why: 'an operator asked for another leader',
    when: (s) =>
      s.m.reign !== undefined &&
      s.running?.role === 'primary' &&
      s.m.handover === undefined &&
      dueChange(s) !== undefined,
    then: (s) => {
      const intent = dueChange(s);
      return intent === undefined ? wait('') : considerChange(s, intent);
    },
  },
];
