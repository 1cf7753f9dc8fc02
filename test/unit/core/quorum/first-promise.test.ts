import { expect, test } from 'vitest';
import { firstDemand } from '../../../../src/core/quorum/voters.ts';
import { DEFAULT_SETTINGS } from '../../../../src/core/settings.ts';
import { keyed, name, term, view } from '../support.ts';

/** What a new leader promises in the transaction that makes it one (D8, D9, decision 0024). */

const replication = { ...DEFAULT_SETTINGS.replication, mode: 'quorum' as const, acks: 1 };
const present = new Set(['b~blife1', 'c~clife1']);
const first = (sync: ReturnType<typeof view>['sync'], mode: 'quorum' | 'async' = 'quorum'): unknown =>
  firstDemand(view({ sync }), { ...DEFAULT_SETTINGS, replication: { ...replication, mode } }, name('a'), present);
const entry = (acks: number): unknown => ({
  term: term(7),
  leader: 'b~blife1',
  voters: acks > 0 ? ['a~alife1'] : [],
  acks,
});
const list = (acks: number): ReturnType<typeof view>['sync'] =>
  keyed([entry(acks)], 8) as ReturnType<typeof view>['sync'];

test('nothing where no older promise protects what is in the log: its voters may not have it yet', () => {
  expect(first(undefined)).toEqual({ voters: [], acks: 0 });
  expect(first(list(0))).toEqual({ voters: [], acks: 0 });
  expect(first(undefined, 'async')).toBeUndefined();
});

test('its own voters beside an older promise, which stands until the barrier', () => {
  expect(first(list(1))).toMatchObject({ acks: 1 });
});
