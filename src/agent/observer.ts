import { ms } from '../core/brand.ts';
import { elapsedAtMost, type Instant } from '../core/instant.ts';
import { known, unknown } from '../core/known.ts';
import type { Event, Memory } from '../core/memory.ts';
import type { MemberState } from '../core/model.ts';
import type { Position } from '../core/position.ts';
import { listens, looksClosely } from '../core/quorum/pace.ts';
import type { Clock } from '../ports/clock.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { createWakeable, type Wakeable } from './wakeable.ts';

const STEADY = 1_000;
/** A replica that streams and got nothing new since the last look: the end of its server is an event, and so is every change of the leader. */
const RESTING = 2_000;
const LISTENING = 400;
const BUSY = 100;
const FAST = 20;
/** How long after the end of the last leader's right the candidates look closely. */
const VACANT = 1_000;
const PATIENCE = ms(1_000);

/** What was seen of the database, and when the look began. */
export interface Look {
  readonly at: Instant;
  readonly database: Memory['database'];
}

/** Looks at the own database: every second or two, ten times as often while something is changing, at once after an event. */
export const createObserver = (deps: {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: () => Memory;
  /** Counts the tasks begun and ended: an observation that spans such a moment is not told. */
  readonly epoch: () => number;
  readonly post: (event: Event) => void;
  readonly measured: (tookMs: number) => void;
}): Wakeable & { readonly look: (signal: AbortSignal) => Promise<Look> } => {
  const { database, clock } = deps;
  let position: Position | undefined;

  const look = async (signal: AbortSignal): Promise<Look> => {
    const at = clock.now();
    try {
      return { at, database: known(await database.observe({ signal, timeout: PATIENCE })) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { at, database: unknown(`the database could not be looked at: ${why}`) };
    } finally {
      deps.measured(clock.now().mono - at.mono);
    }
  };

  /** Whether its log ends where it ended at the last look. */
  const rests = (seen: Memory['database']): boolean => {
    const before = position;
    position = seen.kind === 'known' && seen.value.kind === 'running' ? seen.value.position : undefined;
    return before !== undefined && position !== undefined && database.positions.compare(before, position) === 'equal';
  };

  const observe = async (signal: AbortSignal): Promise<number> => {
    const epoch = deps.epoch();
    const seen = await look(signal);
    if (signal.aborted) return STEADY;
    if (epoch !== deps.epoch()) return BUSY / 10;
    deps.post({ kind: 'database', ...seen, rewindObstacles: database.rewindObstacles() });
    return pace(deps.memory(), rests(seen.database));
  };

  const observer = createWakeable({
    clock,
    work: observe,
    failed: (error) => deps.log.error('database.observe.bug', 'observing failed unexpectedly', { err: error }),
  });
  const off = database.onEvent(() => observer.wake());
  return {
    wake: observer.wake,
    look,
    stop: async () => {
      off();
      await observer.stop();
    },
  };
};

/** Changes whenever the database should be looked at at once: with what the leader says of its own, and when its right has ended. */
export const occasion = (m: Memory): string =>
  `${leaderState(m) ?? 'no leader'}${m.vacantSince === undefined ? '' : ', vacant'}`;

/** What the leader last published of its database. */
const leaderState = (m: Memory): MemberState | undefined => {
  const leader = m.view?.leader?.value;
  return leader === undefined ? undefined : m.view?.members.get(leader)?.value.state;
};

/** A leader that is about to hand over waits for its candidate by the millisecond. */
const leaderStops = (m: Memory): boolean => leaderState(m) === 'stopping' || leaderState(m) === 'stopped';

/** Milliseconds to the next look: a second or two when nothing happens, less while something does. */
const pace = (m: Memory, resting: boolean): number => {
  const db = m.database.kind === 'known' ? m.database.value : undefined;
  if (db?.kind !== 'running' || looksClosely(m)) return BUSY;
  if (db.role === 'primary') return m.reign === undefined || m.handover !== undefined ? BUSY : STEADY;
  if (leaderStops(m) || (m.vacantSince !== undefined && elapsedAtMost(m.vacantSince, m.now) < VACANT)) return FAST;
  if (m.reign !== undefined || !db.streaming || m.leaderlessSince !== undefined) return BUSY;
  if (listens(m)) return LISTENING;
  return resting ? RESTING : STEADY;
};
