import { expect, test } from 'vitest';
import { known } from '../../../src/core/known.ts';
import { memberRecord, publishMember } from '../../../src/core/publish.ts';
import { follower, keyed, name, positions, running, view } from './support.ts';

const dropped = { folder: '/x/lost-1', generation: 2, from: '0/3', bytes: 4_096, commits: 7 };

test('what a member dropped of its log is published once, and stays while its database is away', () => {
  const m = follower({ database: known(running({ dropped })) });
  const record = memberRecord(m, positions)!;
  expect(record.dropped).toEqual(dropped);
  const published = (of: typeof record) =>
    view({ members: new Map([[name('a'), keyed({ ...of, dropped: { ...dropped } }, 5)]]) });
  expect(publishMember({ ...m, view: published(record) }, positions)).toBeUndefined();
  const more = { ...m, database: known(running({ dropped: { ...dropped, commits: 8 } })) };
  expect(publishMember({ ...more, view: published(record) }, positions)).toBeDefined();
  const away = follower({
    database: known({ kind: 'starting', systemId: 'system', progress: '' }),
    view: published(record),
  });
  expect(memberRecord(away, positions)?.dropped).toEqual(dropped);
});
