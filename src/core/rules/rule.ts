import type { MemberName } from '../brand.ts';
import type { Task } from '../memory.ts';
import type { HistoryEntry, Initialize, Intent, IntentOutcome, Keyed, Pledge, SyncEntry } from '../model.ts';
import type { Position } from '../position.ts';
import type { Snapshot } from '../snapshot.ts';

/** What a rule wants done. The reducer turns it into effects, once, however often the rule says it. */
export type Action =
  | { readonly do: 'run'; readonly task: Task }
  | {
      readonly do: 'lead';
      readonly how: HistoryEntry['how'];
      readonly reason: string;
      /** The pledges that the right rests on, where an election is decided by them (rule D9). */
      readonly pledges?: readonly Keyed<Pledge>[];
      /** They alone clear the new term (rule D10). */
      readonly clears?: boolean;
      /** An operator took the loss on herself: what was promised is void. */
      readonly overrides?: boolean;
    }
  | { readonly do: 'publish'; readonly entries: readonly SyncEntry[] }
  /** Writes the own register: a pledge with the end of everything received, or (undefined) none. */
  | { readonly do: 'pledge'; readonly position: Position | undefined }
  | { readonly do: 'disown' }
  | { readonly do: 'release'; readonly reason: string; readonly standAside: boolean }
  | {
      readonly do: 'begin-handover';
      readonly to: MemberName;
      readonly intent: string | undefined;
      readonly reason: string;
    }
  | { readonly do: 'hand-over' }
  | { readonly do: 'end-handover'; readonly outcome: IntentOutcome['kind']; readonly reason: string }
  | { readonly do: 'ask-peers' }
  | { readonly do: 'initialize'; readonly value: Initialize }
  | { readonly do: 'tell-fenced' }
  | { readonly do: 'carry'; readonly intent: Keyed<Intent> }
  | {
      readonly do: 'end-intent';
      readonly intent: Keyed<Intent>;
      readonly outcome: IntentOutcome['kind'];
      readonly reason: string;
    }
  | { readonly do: 'forget'; readonly intent: Keyed<Intent> };

export interface Decision {
  readonly actions: readonly Action[];
  /** Facts that led here, for people. */
  readonly reasons: readonly string[];
  /** What would happen next, and what it waits for. */
  readonly next: string;
  /** Look again after so many milliseconds. */
  readonly wakeIn?: number;
}

/**
 * A rule as data: the first one whose `when` holds decides. Its id goes into every log line, event and metric that follows
 * from it; the table in the docs is made from `id` and `why`.
 */
export interface Rule {
  readonly id: string;
  readonly why: string;
  /** Upkeep that comes and goes all the time: not worth a line in the log at info. */
  readonly quiet?: boolean;
  readonly when: (s: Snapshot) => boolean;
  readonly then: (s: Snapshot) => Decision;
}

export const wait = (next: string, reasons: readonly string[] = [], wakeIn?: number): Decision => ({
  actions: [],
  reasons,
  next,
  ...(wakeIn === undefined ? {} : { wakeIn }),
});

export const act = (
  next: string,
  actions: readonly Action[],
  reasons: readonly string[] = [],
  wakeIn?: number,
): Decision => ({
  actions,
  reasons,
  next,
  ...(wakeIn === undefined ? {} : { wakeIn }),
});

export const run = (task: Task, next: string, reasons: readonly string[] = []): Decision =>
  act(next, [{ do: 'run', task }], reasons);
