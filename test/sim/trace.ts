import type { Effect, Event, Memory } from '../../src/core/memory.ts';
import type { Heartbeat } from '../../src/core/model.ts';
import type { StateTransaction, StateWrite } from '../../src/core/transaction.ts';
import { nameOf } from '../../src/state/paths.ts';
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
  const told = transaction.writes.filter(({ key }) => key.kind !== 'member' && key.kind !== 'history-of');
  const [first] = told;
  if (first === undefined) return;
  const heartbeat = told.map(heartbeatOf).find((value) => value !== undefined);
  if (heartbeat !== undefined && transaction.writes.length === 1 && !heartbeat.released && outcome.kind === 'applied')
    return;
  const what = told.map((write) => `${write.kind} ${write.key.kind}`).join(', ');
  const beat = heartbeat === undefined ? '' : ` (seq ${heartbeat.seq}${heartbeat.released ? ', released' : ''})`;
  world.note('etcd', `${who}: ${what}${beat}: ${ended(transaction, outcome)}`);
};

const heartbeatOf = (write: StateWrite): Heartbeat | undefined =>
  write.kind === 'put' && write.key.kind === 'heartbeat' && 'released' in write.value ? write.value : undefined;

const ended = ({ compare }: StateTransaction, outcome: TransactOutcome): string => {
  if (outcome.kind === 'applied') return `applied at ${outcome.revision}`;
  if (outcome.kind !== 'refused') return `${outcome.kind} (${outcome.error.message})`;
  const now = (name: string): bigint => outcome.found.find(({ key }) => key === name)?.modRevision ?? 0n;
  const changed = compare.filter(({ key, modRevision }) => now(nameOf(key)) !== (modRevision as bigint));
  return `refused: ${changed.map(({ key, modRevision }) => `${nameOf(key)} is at ${now(nameOf(key))}, not ${modRevision}`).join(', ')}`;
};
