import type { Effect, Memory, Task, TaskResult } from '../core/memory.ts';
import type { DatabaseRole } from '../core/model.ts';
import type { TransactOutcome } from '../ports/consensus.ts';

/** What the agent tells about itself: log lines, events and metrics. Wired in src/bin. */
export interface Telemetry {
  /** A decision or a notable fact of the core. */
  tell(effect: Extract<Effect, { kind: 'decided' | 'tell' }>, memory: Memory): void;
  looped(memory: Memory, tookMs: number): void;
  storeCall(what: string, outcome: TransactOutcome['kind'], tookMs: number): void;
  databaseCall(tookMs: number): void;
  roleChanged(from: DatabaseRole, to: DatabaseRole): void;
  taskEnded(task: Task, result: TaskResult): void;
  guardFenced(killed: number, tookMs: number): void;
}
