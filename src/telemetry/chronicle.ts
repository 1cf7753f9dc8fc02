import { revisionOf, type Term } from '../core/brand.ts';
import { elapsedAtMost, type Instant } from '../core/instant.ts';
import type { Memory, Task, TaskResult } from '../core/memory.ts';
import type { HistoryEntry } from '../core/model.ts';
import type { ChangePhase, Metrics } from './metrics.ts';

/** What happened to this member's leadership, read from one memory after another: for counters and durations. */
export interface Chronicle {
  looked(memory: Memory): void;
  taskEnded(task: Task, result: TaskResult): void;
}

/** One leadership of this member, with the moments of its steps. */
interface Chapter {
  readonly term: Term;
  readonly leaderless: Instant | undefined;
  readonly won: Instant;
  readonly cleared: Instant | undefined;
  readonly promoted: Instant | undefined;
  readonly open: boolean;
  /** Told already, or none of this process's changes. */
  readonly told: boolean;
}

type Told = Pick<Metrics, 'leaderChange' | 'failover' | 'demotion' | 'rejoin' | 'taskTook'>;

/**
 * Follows the agent's memory and tells the metrics of failovers, demotions and rejoins. A leadership that was found
 * already open (the agent was restarted beside a running primary) is none of its changes.
 */
export const createChronicle = (metrics: Told): Chronicle => {
  let chapter: Chapter | undefined;
  let leaderless: Instant | undefined;
  let running: Memory['task'];
  let away: 'no' | 'follow' | 'rewind' | 'clone' = 'no';

  return {
    looked: (memory) => {
      const before = chapter;
      chapter = next(before, memory, leaderless);
      leaderless = memory.leaderlessSince ?? (memory.reign === undefined ? undefined : leaderless);
      if (before?.open === true && chapter?.term !== before.term) {
        metrics.demotion(memory.decision.rule);
        away = 'follow';
      }
      if (chapter?.open === true) {
        away = 'no';
        if (!chapter.told) chapter = { ...chapter, told: tell(chapter, memory, metrics) };
      }
      if (running !== undefined && running !== memory.task)
        metrics.taskTook(running.task.kind, elapsedAtMost(running.since, memory.now));
      running = memory.task;
      if (away !== 'no' && replicates(memory)) {
        metrics.rejoin(away);
        away = 'no';
      }
    },
    taskEnded: (task, result) => {
      if (result.kind === 'done' && (task.kind === 'rewind' || task.kind === 'clone')) away = task.kind;
    },
  };
};

const database = (memory: Memory) =>
  memory.database.kind === 'known' && memory.database.value.kind === 'running' ? memory.database.value : undefined;

const replicates = (memory: Memory): boolean => {
  const seen = database(memory);
  return memory.task === undefined && seen?.role === 'replica' && seen.streaming;
};

const next = (before: Chapter | undefined, memory: Memory, leaderless: Instant | undefined): Chapter | undefined => {
  const { reign, now } = memory;
  if (reign === undefined) return undefined;
  const chapter: Chapter =
    before?.term === reign.term
      ? before
      : {
          term: reign.term,
          leaderless: memory.leaderlessSince ?? leaderless,
          won: now,
          cleared: undefined,
          promoted: undefined,
          open: false,
          told: reign.seq > 0,
        };
  return {
    ...chapter,
    cleared: chapter.cleared ?? (reign.clearance === 'no' ? undefined : now),
    promoted: chapter.promoted ?? (database(memory)?.role === 'primary' ? now : undefined),
    open: chapter.open || (reign.barrier && reign.clearance !== 'no'),
  };
};

/** Tells a complete change of leader. False: not yet, since the history of its term has not been read. */
const tell = (chapter: Chapter, memory: Memory, metrics: Told): boolean => {
  const how = howOf(chapter.term, memory);
  const { reign, now } = memory;
  const { leaderless, won, cleared, promoted } = chapter;
  if (how === undefined || reign === undefined || cleared === undefined || promoted === undefined) return false;
  const phase = (name: ChangePhase, from: Instant | undefined, to: Instant): void => {
    if (from !== undefined) metrics.leaderChange(how, name, Math.max(0, elapsedAtMost(from, to)));
  };
  phase('find', leaderless, won);
  phase('clear', won, cleared);
  phase('promote', cleared, promoted);
  phase('open', promoted, now);
  phase('total', leaderless ?? won, now);
  if (how === 'acquire' || how === 'take-over') metrics.failover(reign.clearance);
  return true;
};

const howOf = (term: Term, memory: Memory): HistoryEntry['how'] | undefined => {
  const history = memory.view?.history;
  return history?.modRevision === revisionOf(term) ? history.value.how : undefined;
};
