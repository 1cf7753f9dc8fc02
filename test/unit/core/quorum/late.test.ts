import { expect, test } from 'vitest';
import { ms } from '../../../../src/core/brand.ts';
import type { Memory } from '../../../../src/core/memory.ts';
import { isLate } from '../../../../src/core/quorum/open.ts';
import { DEFAULT_SETTINGS } from '../../../../src/core/settings.ts';
import { timingForTtl } from '../../../../src/core/timing.ts';
import { feed, history, instant, keyed, leader, ownView, reign, rev, self, term, writing } from '../support.ts';

/** When a leader that voters may replace any moment knows by itself that it is late (D16, A17). */

const withTtl = (ttl: number): Memory['settings'] => ({ ...DEFAULT_SETTINGS, timing: timingForTtl(ms(ttl)) });

test('late is what its own heartbeat promised, whatever the settings in force are', () => {
  const promised = reign({ ttl: ms(3_000), provenAt: instant(0) });
  for (const settings of [withTtl(3_000), withTtl(20_000)]) {
    expect(isLate({ ...leader({ settings, reign: promised }), now: instant(640) })).toBe(false);
    expect(isLate({ ...leader({ settings, reign: promised }), now: instant(660) })).toBe(true);
  }
});

test('a key that is taken again opens no earlier than the election by pledges before it', () => {
  const openFrom = instant(2_500);
  const again = feed(
    leader({ view: ownView({ leader: undefined }), reign: reign({ keyGone: true, openFrom }) }),
    { kind: 'tick' },
    10,
  );
  const { flight } = writing(again, 'leader')!;
  const outcome = { kind: 'applied', revision: rev(60) } as const;
  const { memory } = feed(again.memory, { kind: 'transacted', flight, outcome }, 20);
  expect(memory.reign).toMatchObject({ term: term(60), openFrom });
});

test('an agent that is restarted just after an election by pledges waits like the one before it', () => {
  const elected = (seq: number): Memory['reign'] => {
    const seen = ownView({}, { seq });
    const proof = history({ member: self.name, instance: leader().instance, loss: { kind: 'none', proof: 'quorum' } });
    const view = { ...seen, history: keyed(proof, Number(seen.leader!.modRevision)) };
    return feed(leader({ reign: undefined }), { kind: 'view', view }, 10).memory.reign;
  };
  expect(elected(1)?.openFrom).toBeDefined();
  expect(elected(50)).toMatchObject({ openFrom: undefined });
});
