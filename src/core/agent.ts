import { absorb } from './absorb.ts';
import { carryOut } from './actions.ts';
import { keepFailsafeList, NO_FAILSAFE, seekIn, seekPromises } from './failsafe.ts';
import { stepHandover } from './handover.ts';
import { elapsedAtMost, remaining, type Instant } from './instant.ts';
import { inFlight, send } from './flights.ts';
import { keepRight } from './keeper.ts';
import { unknown } from './known.ts';
import type { Effect, Event, Memory, Self, Step } from './memory.ts';
import { NEVER, type InstanceId, type Ms, type Term } from './brand.ts';
import type { PositionAlgebra } from './position.ts';
import { surelyNoPrimary } from './primary.ts';
import { publishMember } from './publish.ts';
import { clearBySilence } from './reign.ts';
import { UNKNOWN_DEMAND } from './quorum/demand.ts';
import { leaves } from './quorum/leaving.ts';
import { askAgainIn } from './quorum/open.ts';
import { UNPLEDGED } from './quorum/pledging.ts';
import { watchLeader } from './quorum/watch.ts';
import { pledgeWanted } from './quorum/wanted.ts';
import { decide } from './rules.ts';
import { wantedConfiguration } from './rules/upkeep.ts';
import { takeSnapshot } from './snapshot.ts';
import { silenceFor } from './timing.ts';

/**
 * The whole agent as a reducer: (memory, event) -> (memory, effects). No clock, no I/O, no chance; the shell in src/agent
 * feeds it facts and does what it says. The simulator and the exhaustive search run this very function.
 */

/** The longest time between two looks, whatever happens. */
const LONGEST_NAP = 1_000;
/** The member's key is not written more often than this. */
const PUBLISH_GAP = 250;
/** A guard that refuses, because it is fencing, says so at once: it is not asked again in the same breath. */
const DISARM_AGAIN = 50;

/** `promise`: what an earlier process of this member promised; it counts from now on, because nobody knows since when. */
export const newMemory = (
  self: Self,
  instance: InstanceId,
  at: Moment,
  promise?: { readonly term: Term; readonly ttl: Ms },
): Memory => ({
  self,
  instance,
  now: at.now,
  wall: at.wall,
  time: at.time,
  view: undefined,
  viewAt: undefined,
  storeTrouble: undefined,
  decideFrom: NEVER,
  settings: self.bootstrapSettings,
  lease: undefined,
  silence: undefined,
  reign: undefined,
  promise:
    promise === undefined
      ? undefined
      : {
          term: promise.term,
          since: at.now,
          for: silenceFor(promise.ttl, self.bootstrapSettings.timing.drift),
        },
  unsettledLead: undefined,
  failsafe: NO_FAILSAFE,
  flights: [],
  nextFlight: 1,
  database: unknown('not looked at yet'),
  databaseAt: undefined,
  rewindObstacles: [],
  mayBePrimary: false,
  looked: false,
  promotionPending: false,
  failing: undefined,
  guard: { alive: false, term: undefined, deadline: undefined, lostSince: at.now },
  peers: undefined,
  asking: false,
  task: undefined,
  trouble: undefined,
  handover: undefined,
  demand: UNKNOWN_DEMAND,
  pledging: UNPLEDGED,
  sight: undefined,
  suspectedAt: undefined,
  pledgeWantedSince: undefined,
  leaderlessSince: undefined,
  leaderlessFrom: undefined,
  vacantSince: undefined,
  lastLead: undefined,
  standAsideUntil: undefined,
  owedFence: undefined,
  toldFenced: undefined,
  configured: undefined,
  slotsKeptAt: undefined,
  publishedAt: undefined,
  disarmedAt: undefined,
  downSince: undefined,
  carrying: undefined,
  stopping: 'no',
  leavingSince: undefined,
  decision: {
    rule: 'agent.started',
    why: 'the agent has just started',
    reasons: [],
    next: 'look around',
    since: at.wall,
  },
});

/** When an event happened, on all clocks. */
export interface Moment {
  readonly now: Instant;
  /** Milliseconds since 1970, for people. */
  readonly wall: number;
  /** The same as ISO 8601. */
  readonly time: string;
}

/** One event in, the next memory and what to do out. */
export const step = (before: Memory, event: Event, at: Moment, positions: PositionAlgebra): Step => {
  const [absorbed, first] = absorb({ ...before, now: at.now, wall: at.wall, time: at.time }, event, positions);
  const effects: Effect[] = [...first];
  let m = settleTime(absorbed, positions);
  const then = ([next, more]: readonly [Memory, readonly Effect[]]): void => {
    m = next;
    effects.push(...more);
  };
  then(keepRight(m));
  then(keepFailsafeList(m));
  then(seekPromises(m));
  const snapshot = takeSnapshot(m, positions);
  const { rule, decision } = decide(snapshot);
  then(note(m, rule, decision));
  const [undone, told] = [m, effects.length];
  for (const action of decision.actions) then(carryOut(m, action, positions));
  // What changed only the memory is decided from at once.
  const again = m !== undone && effects.length === told ? 1 : undefined;
  if (m.task !== absorbed.task && m.task?.task.kind === 'configure')
    m = { ...m, configured: wantedConfiguration(snapshot) };
  then(publish(m, positions));
  then(watchLeader(m));
  then(standGuardDown(m));
  return { memory: m, effects, wakeIn: wakeIn(m, again ?? decision.wakeIn) };
};

/** What follows from time having passed. */
const settleTime = (m: Memory, positions: PositionAlgebra): Memory => {
  const reign = m.reign === undefined ? undefined : clearBySilence(m.reign, m.now);
  const handover = m.handover === undefined ? undefined : stepHandover(m.handover, { kind: 'tick' }, m.now, positions);
  const next: Memory = { ...m, reign, handover };
  const { leaderLost, silenceLeft, paused } = takeSnapshot(next, positions);
  return {
    ...next,
    leaderlessSince: leaderLost ? (m.leaderlessSince ?? m.now) : undefined,
    leaderlessFrom: leaderLost ? (m.leaderlessFrom ?? m.view?.revision) : undefined,
    leavingSince: leaves(next) ? (m.leavingSince ?? m.now) : undefined,
    pledgeWantedSince: pledgeWanted(next) ? (m.pledgeWantedSince ?? m.now) : undefined,
    vacantSince: leaderLost && silenceLeft === 0 && !paused ? (m.vacantSince ?? m.now) : undefined,
  };
};

/** Each decision is told once; upkeep that comes and goes is not. */
const note = (
  m: Memory,
  rule: { readonly id: string; readonly why: string; readonly quiet?: boolean },
  decision: { readonly reasons: readonly string[]; readonly next: string },
): readonly [Memory, readonly Effect[]] => {
  if (rule.quiet === true) return [m, []];
  const changed = m.decision.rule !== rule.id;
  const report = {
    rule: rule.id,
    why: rule.why,
    reasons: decision.reasons,
    next: decision.next,
    since: changed ? m.wall : m.decision.since,
  };
  return [
    { ...m, decision: report },
    changed ? [{ kind: 'decided', rule: rule.id, why: rule.why, reasons: decision.reasons, next: decision.next }] : [],
  ];
};

const publish = (m: Memory, positions: PositionAlgebra): readonly [Memory, readonly Effect[]] => {
  if (inFlight(m, 'member') || (m.publishedAt !== undefined && elapsedAtMost(m.publishedAt, m.now) < PUBLISH_GAP))
    return [m, []];
  const transaction = publishMember(m, positions);
  return transaction === undefined ? [m, []] : send({ ...m, publishedAt: m.now }, { kind: 'member' }, transaction);
};

/** A member that leads no more and whose database is surely no primary releases the guard, which else kills every start. */
const standGuardDown = (m: Memory): readonly [Memory, readonly Effect[]] => {
  const { term } = m.guard;
  if (m.disarmedAt !== undefined && elapsedAtMost(m.disarmedAt, m.now) < DISARM_AGAIN) return [m, []];
  const settled = m.reign === undefined && m.view !== undefined && m.database.kind === 'known' && surelyNoPrimary(m);
  if (term === undefined || !settled || m.task?.task.kind === 'fence') return [m, []];
  const guard = { ...m.guard, term: undefined, deadline: undefined };
  return [{ ...m, guard, disarmedAt: m.now }, [{ kind: 'disarm', term }]];
};

const wakeIn = (m: Memory, wanted: number | undefined): number => {
  const heartbeat = m.reign === undefined ? LONGEST_NAP : remaining(m.reign.dueAt, m.now);
  const fence =
    m.reign?.deadline === undefined ? LONGEST_NAP : remaining(m.reign.deadline, m.now) - m.settings.timing.fenceBudget;
  const disarm = m.disarmedAt !== undefined && elapsedAtMost(m.disarmedAt, m.now) < DISARM_AGAIN;
  return Math.max(
    1,
    Math.min(
      disarm ? DISARM_AGAIN : LONGEST_NAP,
      wanted ?? LONGEST_NAP,
      askAgainIn(m),
      heartbeat > 0 ? heartbeat : LONGEST_NAP,
      fence > 0 ? fence : LONGEST_NAP,
      seekIn(m) ?? LONGEST_NAP,
    ),
  );
};
