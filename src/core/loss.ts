import type { HistoryEntry, Loss } from './model.ts';
import type { Position, PositionAlgebra } from './position.ts';

/**
 * The loss of an election. `pledged`: it was decided by pledges (rule D9). `released`: `last`, the last leader's published position, is
 * the end of its log. `undefined` where there was no leader before.
 */
export const lossOf = (
  input: {
    readonly how: HistoryEntry['how'];
    readonly pledged: boolean;
    readonly released: boolean;
    readonly last: Position | undefined;
    readonly own: Position | undefined;
  },
  positions: PositionAlgebra,
): Loss | undefined => {
  const { how, last, own } = input;
  if (how === 're-acquire' || how === 'restart') return { kind: 'none', proof: 'same-database' };
  if (how === 'hand-over') return { kind: 'none', proof: 'final-position' };
  if (input.pledged) return { kind: 'none', proof: 'quorum' };
  if (last === undefined || own === undefined) return undefined;
  const order = positions.compare(own, last);
  if (input.released && (order === 'equal' || order === 'ahead')) return { kind: 'none', proof: 'final-position' };
  return { kind: 'measured', amount: positions.distance(own, last), unit: positions.unit };
};

/** For people. */
export const describeLoss = (loss: Loss): string => {
  if (loss.kind === 'measured')
    return loss.amount === 0
      ? 'nothing that the last heartbeat told of'
      : `${loss.amount} ${loss.unit} that the last heartbeat told of`;
  switch (loss.proof) {
    case 'quorum':
      return 'nothing lost (proved by quorum)';
    case 'final-position':
      return 'nothing lost (the whole log was taken over)';
    case 'same-database':
      return 'nothing lost (the same database goes on)';
    default:
      return loss.proof satisfies never;
  }
};
