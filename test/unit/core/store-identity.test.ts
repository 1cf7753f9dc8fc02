import { expect, test } from 'vitest';
import { seenMost, storeFault } from '../../../src/core/store-identity.ts';
import { feed, leader, ownView, rev, reign, those } from './support.ts';

const seen = { clusterId: 'one', revision: rev(100) };

test('the first store is believed, and the same one when it went on', () => {
  expect(storeFault(undefined, seen)).toBeUndefined();
  expect(storeFault(seen, seen)).toBeUndefined();
  expect(storeFault(seen, { ...seen, revision: rev(101) })).toBeUndefined();
});

test('another store, or one that went back, is not', () => {
  expect(storeFault(seen, { clusterId: 'two', revision: rev(200) })).toMatch(/another cluster/);
  expect(storeFault(seen, { ...seen, revision: rev(99) })).toMatch(/lost data: it is at revision 99, but 100/);
});

test('what was seen never goes back by itself', () => {
  expect(seenMost(seen, { ...seen, revision: rev(5) })).toBe(seen);
  expect(seenMost(undefined, seen)).toBe(seen);
});

test('a store that went back does not end a term: its refusal is not believed', () => {
  const m = leader({
    view: ownView({ revision: rev(300) }),
    reign: reign(),
    flights: [
      {
        id: 1,
        purpose: { kind: 'heartbeat', term: reign().term, seq: 4, cleared: true, paused: false, ttl: reign().ttl },
        sentAt: { mono: 0, boot: 0 },
      },
    ],
  });
  const refused = { kind: 'refused', leader: rev(7), heartbeat: rev(8), mine: false } as const;
  const back = feed(m, { kind: 'transacted', flight: 1, outcome: { ...refused, revision: rev(50) } }, 100);
  expect(back.memory.reign?.term).toBe(reign().term);
  expect(those(back, 'run').map((e) => e.task.kind)).not.toContain('fence');
  const on = feed(m, { kind: 'transacted', flight: 1, outcome: { ...refused, revision: rev(301) } }, 100);
  expect(on.memory.reign).toBeUndefined();
});
