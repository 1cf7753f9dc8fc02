import { expect, test } from 'vitest';
import type { Memory } from '../../../../src/core/memory.ts';
import { DEFAULT_SETTINGS } from '../../../../src/core/settings.ts';
import { feed, keyed, leader, ownView, reign, term, writing } from '../support.ts';

/** A leader whose key vanished takes it again while its database goes on acknowledging (D13). */

const settings = { ...DEFAULT_SETTINGS, replication: { ...DEFAULT_SETTINGS.replication, mode: 'quorum' as const } };
const gone = (sync: ReturnType<typeof ownView>['sync']): Memory =>
  leader({
    settings,
    reign: reign({ keyGone: true }),
    view: ownView({ leader: undefined, settings: keyed(settings, 3), sync }),
  });
const promised = (m: Memory): unknown =>
  writing(feed(m, { kind: 'tick' }, 10), 'leader')?.transaction.writes.find(({ key }) => key.kind === 'sync');

test('where the mode has just changed, nothing is promised that the database does not demand yet (I8)', () => {
  expect(promised(gone(undefined))).toBeUndefined();
});

test('a promise of another leader is kept, and none of its own comes to it', () => {
  const other = { term: term(7), leader: 'b~blife1', voters: ['c~clife1'], acks: 1 };
  expect(promised(gone(keyed([other], 8)))).toMatchObject({
    value: [other, { leader: 'a~alife1', voters: [], acks: 0 }],
  });
});

test('its own promise stands as it was', () => {
  const own = { term: term(10), leader: 'a~alife1', voters: ['c~clife1'], acks: 1 };
  expect(promised(gone(keyed([own], 10)))).toMatchObject({ value: [{ voters: ['c~clife1'], acks: 1 }] });
});
