import type { Effect, Event, Memory } from '../../src/core/memory.ts';
import type { StateTransaction } from '../../src/core/transaction.ts';
import type { TransactOutcome } from '../../src/ports/consensus.ts';
import type { World } from './world.ts';

/** The readable timeline of a run: decisions with their rule ids, tasks, and what was written to etcd. */

export const traceStep = (
  world: World,
  who: string,
  before: Memory,
  event: Event,
  after: Memory,
  effects: readonly Effect[],
): void => {
  if (event.kind === 'task-ended') {
    const { result } = event;
    world.note(who, `  ${event.task.kind}: ${result.kind}${result.kind === 'failed' ? ` (${result.message})` : ''}`);
  }
  if (event.kind === 'transacted' && event.outcome.kind !== 'applied') {
    const purpose = before.flights.find((f) => f.id === event.flight)?.purpose.kind ?? '?';
    if (purpose !== 'member') world.note(who, `  ${purpose}: ${event.outcome.kind}`);
  }
  for (const effect of effects) {
    if (effect.kind === 'decided')
      world.note(who, `${effect.rule}${effect.reasons.length > 0 ? ` [${effect.reasons.join('; ')}]` : ''}`);
    if (effect.kind === 'run' && !['configure', 'keep-slots'].includes(effect.task.kind))
      world.note(who, `  runs ${effect.task.kind}`);
    if (effect.kind === 'tell' && effect.event.startsWith('term.')) world.note(who, `  ${effect.message}`);
    if (effect.kind === 'disarm') world.note(who, `  disarms the guard (term ${effect.term})`);
  }
  if (before.handover?.phase !== after.handover?.phase)
    world.note(who, `  hand-over: ${after.handover?.phase ?? 'none'}`);
};

export const traceTransaction = (
  world: World,
  who: string,
  transaction: StateTransaction,
  outcome: TransactOutcome,
): void => {
  for (const write of transaction.writes) {
    const { key } = write;
    if (key.kind === 'member' || key.kind === 'history-of') continue;
    const heartbeat =
      write.kind === 'put' && write.key.kind === 'heartbeat' && 'released' in write.value ? write.value : undefined;
    if (heartbeat !== undefined && transaction.writes.length === 1) {
      if (outcome.kind === 'applied') continue;
      world.note('etcd', `${who}: heartbeat ${heartbeat.seq} of term ${heartbeat.term} ${outcome.kind}`);
    } else
      world.note(
        'etcd',
        `${who}: ${write.kind} ${key.kind}${heartbeat?.released === true ? ' released' : ''}: ${outcome.kind}` +
          (outcome.kind === 'applied' ? ` at ${outcome.revision}` : ''),
      );
  }
};
