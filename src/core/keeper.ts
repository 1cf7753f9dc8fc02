import { ms, termOf, type Ms } from './brand.ts';
import { after, elapsedAtMost, remaining, type Instant } from './instant.ts';
import { failsafeOver } from './failsafe.ts';
import { leadershipInFlight, send } from './flights.ts';
import type { Effect, Flight, Memory, Purpose, Settled } from './memory.ts';
import { givesUp } from './primary.ts';
import { proposeHeartbeat } from './proposals.ts';
import { UNKNOWN_DEMAND } from './quorum/demand.ts';
import { deadlineFrom, type Reign } from './reign.ts';
import { stepHandover } from './handover.ts';
import type { Position, PositionAlgebra } from './position.ts';
import { rightOf, silenceFor } from './timing.ts';

/**
 * The lease keeper: proves the right by heartbeats, counts it from just before sending, and says what each answer means
 * (rules D2, D4, D13). Runs at every event, whatever the rules decide.
 */

/** How long the right lasts while the cluster is paused: no operator's work takes longer. */
const PAUSED_RIGHT = ms(365 * 86_400_000);
/** Wait before a heartbeat is sent again whose outcome is unknown, or that was surely not executed. */
const RETRY = ms(100);

/** Sends the heartbeat that is due. While not primary it repeats the predecessor's position: what is lost is measured by it. */
export const keepRight = (m: Memory): readonly [Memory, readonly Effect[]] => {
  const { reign } = m;
  if (reign === undefined || leadershipInFlight(m) || givesUp(m)) return [m, []];
  const over = (reign.pausePublished && !m.settings.pause) || reign.resuming;
  if (over && !boundedByGuard(m, reign)) return resume(m, reign);
  if (reign.keyGone) return [over ? { ...m, reign: { ...reign, resuming: false } } : m, []];
  if (remaining(reign.dueAt, m.now) > 0 && !over) return [m, []];
  const running = m.database.kind === 'known' && m.database.value.kind === 'running' ? m.database.value : undefined;
  const cleared = reign.clearance !== 'no';
  const paused = m.settings.pause && cleared && running?.role === 'primary';
  if (!paused && reign.pausePublished) return resume(m, reign);
  const last = m.view?.heartbeat?.value;
  const position = running?.role === 'primary' ? running.position : inherited(m, reign);
  const slots = running?.role === 'primary' ? running.slots : (last?.slots ?? {});
  const ttl = promisedTtl(m, reign);
  const transaction = proposeHeartbeat(reign, m, { cleared, paused, ttl, position, slots });
  const purpose = { kind: 'heartbeat', term: reign.term, seq: reign.seq + 1, cleared, paused, ttl } as const;
  return send({ ...m, reign: { ...reign, resuming: false } }, purpose, transaction);
};

/** What stands in the heartbeat of this term until the database is primary; a view may still be of the time before it. */
const inherited = ({ view, lastLead }: Memory, { term }: Reign): Position | undefined =>
  view?.heartbeat === undefined || (view.heartbeat.modRevision < term && lastLead !== undefined)
    ? lastLead?.position
    : view.heartbeat.value.position;

/** The guard has acknowledged the end of the right that a resume has set. */
const boundedByGuard = (m: Memory, reign: Reign): boolean =>
  reign.resuming && m.guard.alive && m.guard.term === reign.term && m.guard.deadline !== undefined;

/**
 * The end of a pause: as soon as an unpaused heartbeat may have been written, others count the silence. So the right gets an
 * end, and the guard knows it, before one is sent, or the key is taken again (decision 0002, rule D2).
 */
const resume = (m: Memory, reign: Reign): readonly [Memory, readonly Effect[]] => {
  const deadline =
    reign.resuming && reign.deadline !== undefined ? reign.deadline : deadlineFrom(m.now, m.settings.timing, reign.ttl);
  const next: Reign = {
    ...reign,
    deadline,
    // Nobody else could lead while the pause stood in the heartbeat.
    provenAt: reign.resuming ? reign.provenAt : m.now,
    pausePublished: false,
    resuming: true,
    dueAt: after(m.now, RETRY),
  };
  if (reign.resuming && remaining(reign.dueAt, m.now) > 0) return [m, []];
  return [{ ...m, reign: next }, [{ kind: 'arm', term: reign.term, deadline }]];
};

/**
 * What the next heartbeat promises. A shorter ttl than before is promised only when no right stands any more that was given
 * by the longer one: challengers count by what was promised last.
 */
const promisedTtl = (m: Memory, reign: Reign): Ms => {
  const wanted = m.settings.timing.ttl;
  if (reign.clearance === 'no') return reign.ttl;
  if (wanted >= reign.ttl || reign.pausePublished) return ms(Math.max(wanted, reign.ttl));
  const standing = [reign.deadline, m.guard.deadline].map((d) => (d === undefined ? 0 : elapsedAtMost(m.now, d)));
  return Math.max(...standing) > rightOf(m.settings.timing) ? reign.ttl : wanted;
};

/** A heartbeat's answer. */
export const heartbeatSettled = (
  m: Memory,
  flight: Flight,
  outcome: Settled,
  positions: PositionAlgebra,
): readonly [Memory, readonly Effect[]] => {
  const { reign } = m;
  // An answer that belongs to an earlier term says nothing about this one (rule D4, A3).
  if (reign === undefined || flight.purpose.kind !== 'heartbeat' || flight.purpose.term !== reign.term) return [m, []];
  switch (outcome.kind) {
    case 'applied':
      return heartbeatApplied(m, reign, flight.sentAt, outcome.revision, flight.purpose, positions);
    case 'refused':
      if (outcome.leader === (reign.term as bigint) && outcome.mine)
        return [{ ...m, reign: { ...reign, heartbeatRevision: outcome.heartbeat, dueAt: m.now } }, []];
      if (outcome.leader === (0n as bigint)) return [keyVanished(m, reign, outcome), [{ kind: 'read-view' }]];
      return loseReign(m, 'the leader key is held by another, or under another term');
    case 'unknown':
    case 'failed':
      return [{ ...m, reign: { ...reign, dueAt: after(m.now, RETRY) } }, []];
    default:
      return outcome satisfies never;
  }
};

/** An own heartbeat of unknown outcome may have been the last one: then it is the one that D13 compares. */
const keyVanished = (m: Memory, reign: Reign, { mine, heartbeat }: Extract<Settled, { kind: 'refused' }>): Memory => ({
  ...m,
  reign: { ...reign, keyGone: true, heartbeatRevision: mine ? heartbeat : reign.heartbeatRevision },
});

const heartbeatApplied = (
  m: Memory,
  reign: Reign,
  sentAt: Instant,
  revision: Reign['heartbeatRevision'],
  said: Extract<Purpose, { kind: 'heartbeat' }>,
  positions: PositionAlgebra,
): readonly [Memory, readonly Effect[]] => {
  const given = said.paused ? after(sentAt, PAUSED_RIGHT) : deadlineFrom(sentAt, m.settings.timing, said.ttl);
  const stands = !reign.pausePublished && reign.deadline !== undefined ? reign.deadline : given;
  const deadline = remaining(stands, m.now) > remaining(given, m.now) ? stands : given;
  // A heartbeat that succeeded proves that a hand-over or release sent before it can never happen any more (rule D2).
  const handover =
    reign.unsettled && m.handover?.phase === 'handing-over'
      ? stepHandover(
          { ...m.handover, phase: 'stopping' },
          { kind: 'step-failed', why: 'the transaction that moves the key did not happen' },
          m.now,
          positions,
        )
      : m.handover;
  const next: Reign = {
    ...reign,
    heartbeatRevision: revision,
    seq: said.seq,
    deadline,
    provenAt: sentAt,
    clearancePublished: said.cleared,
    pausePublished: said.paused,
    ttl: said.ttl,
    dueAt: after(sentAt, m.settings.timing.heartbeatInterval),
    keyGone: false,
    unsettled: false,
  };
  const guard: Effect = said.paused
    ? { kind: 'stand-down', term: reign.term }
    : { kind: 'arm', term: reign.term, deadline };
  // Where promises gave more than this heartbeat does, the right still rests on them.
  const beaten: Memory = { ...m, reign: next, handover };
  const [confirmed, told] = deadline === given ? failsafeOver(beaten) : [beaten, []];
  return [confirmed, [guard, ...told]];
};

/** This member leads no more: somebody else holds the key, or it gave the key away. */
export const loseReign = (m: Memory, why: string): readonly [Memory, readonly Effect[]] => {
  if (m.reign === undefined) return [m, []];
  const { term } = m.reign;
  const effects: readonly Effect[] = [
    {
      kind: 'tell',
      level: 'warn',
      event: 'term.lost',
      message: `term ${term} is over for this member: ${why}`,
      fields: { term: String(term) },
    },
    { kind: 'read-view' },
  ];
  return [
    {
      ...m,
      reign: undefined,
      handover: undefined,
      demand: UNKNOWN_DEMAND,
      owedFence: m.reign.clearance === 'no' ? m.owedFence : term,
    },
    effects,
  ];
};

/** The answer to D3: this member leads a new term, or has to look again. */
export const leadSettled = (m: Memory, flight: Flight, outcome: Settled): readonly [Memory, readonly Effect[]] => {
  if (flight.purpose.kind !== 'lead') return [m, []];
  const { purpose } = flight;
  if (outcome.kind === 'applied') {
    const waits = purpose.clearance === 'no' && m.silence !== undefined;
    const reign: Reign = {
      term: termOf(outcome.revision),
      heartbeatRevision: outcome.revision,
      seq: 0,
      deadline: undefined,
      provenAt: undefined,
      clearance: purpose.clearance,
      clearancePublished: false,
      pausePublished: false,
      resuming: false,
      silence:
        waits && m.silence !== undefined
          ? { since: m.silence.since, for: silenceFor(m.silence.ttl, m.settings.timing.drift) }
          : undefined,
      ttl: purpose.ttl,
      generation: purpose.generation,
      since: m.now,
      dueAt: m.now,
      keyGone: false,
      unsettled: false,
      barrier: purpose.how === 're-acquire' && m.reign?.barrier === true,
      openFrom: purpose.openFrom,
    };
    const tell: Effect = {
      kind: 'tell',
      level: 'info',
      event: 'term.begun',
      message: `leads term ${reign.term} (${purpose.how}): ${purpose.reason}`,
      fields: {
        term: String(reign.term),
        how: purpose.how,
        clearance: purpose.clearance,
        generation: purpose.generation,
      },
    };
    // A publication of an earlier term compares that term: it can never happen any more.
    const known = { ...(purpose.how === 're-acquire' ? m.demand : UNKNOWN_DEMAND), unsettled: false };
    return [{ ...m, reign, demand: known, owedFence: undefined }, [tell, { kind: 'read-view' }]];
  }
  // A new term for a restart or re-acquisition may have been written: the old term's heartbeat will tell (rule D2).
  const reign =
    m.reign !== undefined && outcome.kind === 'unknown' ? { ...m.reign, unsettled: true, dueAt: m.now } : m.reign;
  return [{ ...m, reign }, [{ kind: 'read-view' }]];
};

/** The answer to giving the key away, by release, give-back or hand-over. */
export const givenAway = (
  m: Memory,
  flight: Flight,
  outcome: Settled,
  positions: PositionAlgebra,
): readonly [Memory, readonly Effect[]] => {
  const { reign } = m;
  if (reign === undefined || ('term' in flight.purpose && flight.purpose.term !== reign.term))
    return [m, [{ kind: 'read-view' }]];
  const fail = (why: string): Memory['handover'] =>
    m.handover?.phase === 'handing-over'
      ? stepHandover({ ...m.handover, phase: 'stopping' }, { kind: 'step-failed', why }, m.now, positions)
      : m.handover;
  switch (outcome.kind) {
    case 'applied': {
      const effects: readonly Effect[] = [
        {
          kind: 'tell',
          level: 'info',
          event: 'term.ended',
          message: ended(flight.purpose, String(reign.term)),
          fields: { term: String(reign.term) },
        },
        { kind: 'read-view' },
      ];
      return [{ ...m, reign: undefined, handover: undefined, owedFence: undefined, demand: UNKNOWN_DEMAND }, effects];
    }
    case 'unknown':
      return [{ ...m, reign: { ...reign, unsettled: true, dueAt: after(m.now, RETRY) } }, [{ kind: 'read-view' }]];
    case 'refused':
      // Only an own heartbeat of unknown outcome came between: this one can never happen any more, and is sent again.
      if (outcome.leader === (reign.term as bigint) && outcome.mine && outcome.heartbeat !== reign.heartbeatRevision)
        return [{ ...m, reign: { ...reign, heartbeatRevision: outcome.heartbeat } }, [{ kind: 'read-view' }]];
      // The right stands: the candidate's record or the intent has changed, which is judged from the next view (rule D14).
      if (outcome.leader === (reign.term as bigint) && outcome.mine && flight.purpose.kind === 'hand-over')
        return [m, [{ kind: 'read-view' }]];
      return givenAway(
        m,
        flight,
        { kind: 'failed', why: 'what it depends on has changed meanwhile', code: 'refused' },
        positions,
      );
    case 'failed':
      return [
        {
          ...m,
          handover: fail(outcome.why),
          reign: { ...reign, dueAt: m.now },
        },
        [{ kind: 'read-view' }],
      ];
    default:
      return outcome satisfies never;
  }
};

const ended = (purpose: Purpose, term: string): string =>
  purpose.kind === 'hand-over'
    ? `term ${term} ends: handed over to ${purpose.to}`
    : `term ${term} ends: the leader key was given back, fenced`;
