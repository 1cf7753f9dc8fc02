import { ms, type Ms } from './brand.ts';

/** Every time that the protocol uses, in one value. All in milliseconds except `drift`, a rate. */
export interface Timing {
  /** How long a leader's right lasts without proof; also the etcd lease's time to live. */
  readonly ttl: Ms;
  /** How often the leader proves itself with a transaction through raft (rule D4). */
  readonly heartbeatInterval: Ms;
  /** The deadline of one call to etcd. */
  readonly callTimeout: Ms;
  /** How long a fence may take; fencing starts this long before the deadline. */
  readonly fenceBudget: Ms;
  /** Kept free between the end of the right and the deadline, for the resolution of clocks and timers. */
  readonly margin: Ms;
  /** Largest assumed error of a host's clock RATE (1e-3 = one millisecond a second). */
  readonly drift: number;
}

export const DEFAULT_TIMING: Timing = {
  ttl: ms(10_000),
  heartbeatInterval: ms(2_500),
  callTimeout: ms(1_500),
  fenceBudget: ms(2_000),
  margin: ms(500),
  drift: 0.001,
};

/** The longest ttl that a configuration may ask for: also what a challenger waits when it sees no heartbeat at all (D5). */
export const LONGEST_TTL: Ms = ms(60_000);
export const SHORTEST_TTL: Ms = ms(3_000);

/**
 * Timing for a ttl, with the other times scaled down from the defaults where they would not fit.
 * Keeps the proportions of the default profile (1.5, 2 and 0.5 seconds of 10), but a heartbeat is sent every fifth of a
 * shorter ttl, not every fourth: there patience with a late proof is dearer than a write to etcd (docs/decisions/0013).
 */
export const timingForTtl = (ttl: Ms): Timing => {
  const scale = Math.min(1, ttl / DEFAULT_TIMING.ttl);
  return {
    ttl,
    heartbeatInterval: scale < 1 ? ms(Math.round(ttl / 5)) : DEFAULT_TIMING.heartbeatInterval,
    callTimeout: ms(Math.round(DEFAULT_TIMING.callTimeout * scale)),
    fenceBudget: ms(Math.round(DEFAULT_TIMING.fenceBudget * scale)),
    margin: ms(Math.round(DEFAULT_TIMING.margin * scale)),
    drift: DEFAULT_TIMING.drift,
  };
};

/** What is wrong with a timing, each as a sentence that names the inequality; empty when it can hold. */
export const timingFaults = (t: Timing): readonly string[] => {
  const faults: string[] = [];
  if (t.ttl < SHORTEST_TTL || t.ttl > LONGEST_TTL)
    faults.push(`ttl must be from ${SHORTEST_TTL} ms to ${LONGEST_TTL} ms, found ${t.ttl} ms`);
  for (const key of ['heartbeatInterval', 'callTimeout', 'fenceBudget', 'margin'] as const)
    if (!(t[key] > 0)) faults.push(`${key} must be more than 0 ms, found ${t[key]} ms`);
  if (!(t.drift >= 0 && t.drift < 0.1)) faults.push(`drift must be from 0 to 0.1, found ${t.drift}`);
  const need = t.heartbeatInterval + 2 * t.callTimeout + t.fenceBudget + t.margin;
  const have = t.ttl * (1 - t.drift);
  if (need > have)
    faults.push(
      `heartbeat_interval + 2 x call_timeout + fence_budget + margin <= ttl x (1 - drift) does not hold: ` +
        `${t.heartbeatInterval} + 2 x ${t.callTimeout} + ${t.fenceBudget} + ${t.margin} = ${need} ms, but only ${have} ms fit`,
    );
  return faults;
};

/** How long the leader's right lasts, counted from just before the proof was sent (rule D4). */
export const rightOf = (t: Timing): Ms => ms(t.ttl * (1 - t.drift) - t.margin);

/** A heartbeat that is older than so many of the usual intervals is late. */
export const LATE_HEARTBEATS = 1.25;

/**
 * When a heartbeat that promised this ttl is late. By what it promised, which its writer and everybody else know, never by the
 * settings in force, of which somebody who is cut off may not have heard.
 */
export const lateAfter = (promised: Ms): Ms => ms(LATE_HEARTBEATS * timingForTtl(promised).heartbeatInterval);

/**
 * When a heartbeat that promised this ttl is so overdue that its writer looks at its database closely, and when it has closed `/primary`
 * unless it hears its voters then.
 */
export const overdueAfter = (promised: Ms): Ms => ms(timingForTtl(promised).heartbeatInterval + 50);
export const closedAfter = (promised: Ms): Ms => ms(timingForTtl(promised).heartbeatInterval + 150);

/** How long a heartbeat with this ttl must stay unchanged before its writer's right has surely ended (rule D5). */
export const silenceFor = (ttl: Ms, drift: number): Ms => ms(ttl * (1 + drift));
