import { expect, test } from 'vitest';
import { postgresPositions } from '../../../src/adapters/postgres/positions.ts';
import { describeLoss, lossOf } from '../../../src/core/loss.ts';
import type { Position } from '../../../src/core/position.ts';
import { termDocuments } from '../../../src/state/history-lines.ts';
import { history, keyed, record, view } from '../core/support.ts';

const at = (lsn: string, timeline = 3): Position =>
  postgresPositions.parse({ engine: 'postgresql', systemId: '71', timeline, lsn, history: [] })!;
const election = {
  how: 'take-over',
  pledged: false,
  released: false,
  last: at('0/3000100'),
  own: at('0/3000080'),
} as const;
const told = (change: Partial<Parameters<typeof lossOf>[0]>): string | undefined => {
  const loss = lossOf({ ...election, ...change }, postgresPositions);
  return loss === undefined ? undefined : describeLoss(loss);
};

test('what an election lost is proven, measured, or not known, and said so', () => {
  expect(told({ pledged: true })).toBe('nothing lost (proved by quorum)');
  expect(told({})).toBe('128 bytes that the last heartbeat told of');
  expect(told({ own: at('0/3000200') })).toBe('nothing that the last heartbeat told of');
  expect(told({ released: true })).toBe('128 bytes that the last heartbeat told of');
  expect(told({ released: true, own: at('0/3000100') })).toBe('nothing lost (the whole log was taken over)');
  expect(told({ how: 'hand-over' })).toBe('nothing lost (the whole log was taken over)');
  expect(told({ how: 're-acquire' })).toBe('nothing lost (the same database goes on)');
  expect(told({ how: 'restart' })).toBe('nothing lost (the same database goes on)');
  expect(told({ last: undefined })).toBeUndefined();
  expect(told({ own: undefined })).toBeUndefined();
});

test('a term tells what was lost with the one before, and what a member dropped of it since', () => {
  const began = history({ from: at('0/3000100'), loss: { kind: 'measured', amount: 0, unit: 'bytes' } });
  const dropped = { folder: '/x/lost-1', generation: 3, from: '0/3000100', bytes: 4_096, commits: 7 };
  const members = new Map(
    [record('a', { dropped }), record('b', { dropped: { ...dropped, generation: 2 } })].map((each) => [
      each.name,
      keyed(each, 9),
    ]),
  );
  const [term] = termDocuments(view({ history: keyed(began, 20), members }), postgresPositions);
  expect(term).toMatchObject({
    member: 'b',
    ended: { generation: 3 },
    loss: 'nothing that the last heartbeat told of',
    dropped: [{ member: 'a', from: '0/3000100', bytes: 4_096, commits: 7, folder: '/x/lost-1' }],
  });
});
