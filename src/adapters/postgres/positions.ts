import type { Order, Position, PositionAlgebra } from '../../core/position.ts';
import { formatLsn, lsnAt, parseLsn, type Lsn } from './lsn.ts';
import { growing, MAX_SWITCHES, MAX_TIMELINE, type Switch } from './timeline-history.ts';

const ENGINE = 'postgresql';

/** How far a PostgreSQL log reaches: the timelines it went through, and the end on the last of them. */
export interface Reach {
  readonly systemId: string;
  readonly timeline: number;
  readonly lsn: Lsn;
  /** Timelines left before, oldest first. May lack the oldest ones. */
  readonly history: readonly Switch[];
}

/** The text form that goes into etcd and over the API. */
export const toPosition = (reach: Reach): Position => ({
  engine: ENGINE,
  systemId: reach.systemId,
  timeline: reach.timeline,
  lsn: formatLsn(reach.lsn),
  history: reach.history.slice(-MAX_SWITCHES).map((each) => ({ timeline: each.timeline, end: formatLsn(each.end) })),
});

const isRecord = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

const isTimeline = (raw: unknown): raw is number =>
  typeof raw === 'number' && Number.isInteger(raw) && raw >= 1 && raw <= MAX_TIMELINE;

const parseSwitch = (raw: unknown): Switch | undefined => {
  if (!isRecord(raw) || !isTimeline(raw['timeline'])) return undefined;
  const end = parseLsn(raw['end']);
  return end === undefined ? undefined : { timeline: raw['timeline'], end };
};

/** Reads what `toPosition` wrote, from anywhere; `undefined` for everything that could not be a position of this engine. */
const toReach = (raw: unknown): Reach | undefined => {
  if (!isRecord(raw) || raw['engine'] !== ENGINE) return undefined;
  const { systemId, timeline, history } = raw;
  const lsn = parseLsn(raw['lsn']);
  if (typeof systemId !== 'string' || !/^\d{1,20}$/.test(systemId)) return undefined;
  if (lsn === undefined || !isTimeline(timeline)) return undefined;
  if (!Array.isArray(history) || history.length > MAX_SWITCHES) return undefined;
  const switches = history.map(parseSwitch).filter((each) => each !== undefined);
  if (switches.length !== history.length || !growing(switches)) return undefined;
  if ((switches.at(-1)?.timeline ?? 0) >= timeline) return undefined;
  return { systemId, timeline, lsn, history: switches };
};

/**
 * The same log under the number of the timeline that wrote its last byte: a position before the beginning of its timeline
 * is one on its parent. Exactly at the beginning the timeline itself counts: its number was taken.
 */
const settle = (reach: Reach): Reach => {
  let { timeline, lsn } = reach;
  const history = [...reach.history];
  for (let last = history.at(-1); last !== undefined && lsn < last.end; last = history.at(-1)) {
    timeline = last.timeline;
    history.pop();
  }
  return { systemId: reach.systemId, timeline, lsn, history };
};

interface Meeting {
  /** The last timeline that both went through. */
  readonly timeline: number;
  /** Where each left it, or ends on it. */
  readonly a: Lsn;
  readonly b: Lsn;
  readonly aEndsHere: boolean;
  readonly bEndsHere: boolean;
}

const meet = (a: Reach, b: Reach): Meeting | undefined => {
  const steps = (reach: Reach): readonly Switch[] => [...reach.history, { timeline: reach.timeline, end: reach.lsn }];
  const ofB = new Map(steps(b).map((each) => [each.timeline, each.end]));
  const shared = steps(a).findLast((each) => ofB.has(each.timeline));
  const inB = shared === undefined ? undefined : ofB.get(shared.timeline);
  if (shared === undefined || inB === undefined) return undefined;
  return {
    timeline: shared.timeline,
    a: shared.end,
    b: inB,
    aEndsHere: shared.timeline === a.timeline,
    bEndsHere: shared.timeline === b.timeline,
  };
};

/** How `a` lies to `b`, by ancestry: on the last timeline that both went through, with the points where they left it. */
const compareReach = (first: Reach, second: Reach): Order => {
  if (first.systemId !== second.systemId) return 'diverged';
  const met = meet(settle(first), settle(second));
  if (met === undefined) return 'diverged';
  const { a, b, aEndsHere, bEndsHere } = met;
  if (aEndsHere && bEndsHere) return a === b ? 'equal' : a > b ? 'ahead' : 'behind';
  if (aEndsHere) return a <= b ? 'behind' : 'diverged';
  if (bEndsHere) return b <= a ? 'ahead' : 'diverged';
  return 'diverged';
};

/** The end of what two logs have in common; 0 when that is nothing. */
const commonEnd = (first: Reach, second: Reach): Lsn => {
  const met = first.systemId === second.systemId ? meet(settle(first), settle(second)) : undefined;
  if (met === undefined) return lsnAt(0n);
  return met.a < met.b ? met.a : met.b;
};

/** Positions never change, and the same ones are compared at every decision: each is read once. */
const createReading = (): ((position: Position) => Reach | undefined) => {
  const read = new WeakMap<Position, Reach>();
  return (position) => {
    const before = read.get(position);
    if (before !== undefined) return before;
    const reach = toReach(position);
    if (reach !== undefined) read.set(position, reach);
    return reach;
  };
};

const createPositions = (): PositionAlgebra => {
  const reachOf = createReading();
  return {
    unit: 'bytes',
    parse: (raw) => {
      const reach = toReach(raw);
      return reach === undefined ? undefined : toPosition(reach);
    },
    compare: (a, b) => {
      const first = reachOf(a);
      const second = reachOf(b);
      return first === undefined || second === undefined ? 'diverged' : compareReach(first, second);
    },
    distance: (behind, ahead) => {
      const has = reachOf(behind);
      const wants = reachOf(ahead);
      if (wants === undefined) return 0;
      const from = has === undefined ? lsnAt(0n) : commonEnd(has, wants);
      return wants.lsn > from ? Number(wants.lsn - from) : 0;
    },
    describe: (position) => {
      const reach = reachOf(position);
      return reach === undefined ? 'no PostgreSQL position' : `timeline ${reach.timeline} at ${formatLsn(reach.lsn)}`;
    },
    generation: (position) => reachOf(position)?.timeline ?? 0,
    offset: (position) => {
      const reach = reachOf(position);
      return reach === undefined ? undefined : Number(reach.lsn);
    },
  };
};

/** PostgreSQL's positions: timeline history and LSN. */
export const postgresPositions: PositionAlgebra = createPositions();
