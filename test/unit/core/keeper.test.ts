import { expect, test } from 'vitest';
import { ms } from '../../../src/core/brand.ts';
import { remaining } from '../../../src/core/instant.ts';
import { known } from '../../../src/core/known.ts';
import type { Memory, Step } from '../../../src/core/memory.ts';
import type { Heartbeat } from '../../../src/core/model.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../src/core/settings.ts';
import { rightOf, timingForTtl } from '../../../src/core/timing.ts';
import { takeSnapshot } from '../../../src/core/snapshot.ts';
import { feed, instant, keyed, leader, ownView, positions, reign, rev, term, those, writing } from './support.ts';

const settingsOf = (over: Partial<Settings>): Settings => ({ ...DEFAULT_SETTINGS, ...over });
const withSettings = (m: Memory, settings: Settings): Memory => ({
  ...m,
  settings,
  view: { ...m.view!, settings: keyed(settings, 3) },
});
const sentHeartbeat = (s: Step): Heartbeat | undefined => {
  const write = writing(s, 'heartbeat')?.transaction.writes[0];
  return write?.kind === 'put' && write.key.kind === 'heartbeat' ? (write.value as Heartbeat) : undefined;
};
const rightLeft = (m: Memory): number => takeSnapshot(m, positions).rightLeft;

test('a heartbeat gives a deadline that is counted from just before it was sent (D4)', () => {
  const sent = feed(leader(), { kind: 'tick' }, 2_000);
  const flight = writing(sent, 'heartbeat')!.flight;
  const applied = { kind: 'applied', revision: rev(40) } as const;
  const answered = feed(sent.memory, { kind: 'transacted', flight, outcome: applied }, 3_400);
  expect(answered.memory.reign?.deadline?.mono).toBe(2_000 + rightOf(DEFAULT_SETTINGS.timing));
  expect(those(answered, 'arm')[0]?.deadline).toEqual(answered.memory.reign?.deadline);
});

test('the answer to a heartbeat of an earlier term gives no deadline to a later one (D4, A3)', () => {
  const sent = feed(leader(), { kind: 'tick' }, 2_000);
  const flight = writing(sent, 'heartbeat')!.flight;
  const later = { ...sent.memory, reign: reign({ term: term(50), heartbeatRevision: rev(50), deadline: undefined }) };
  const applied = { kind: 'applied', revision: rev(40) } as const;
  const answered = feed(later, { kind: 'transacted', flight, outcome: applied }, 2_100);
  expect(answered.memory.reign).toMatchObject({ term: term(50), heartbeatRevision: rev(50), deadline: undefined });
});

test('a ttl that grew between sending and answer gives no longer right than the heartbeat promised (D4)', () => {
  const sent = feed(leader(), { kind: 'tick' }, 2_000);
  const flight = writing(sent, 'heartbeat')!.flight;
  const longer = withSettings(sent.memory, settingsOf({ timing: timingForTtl(ms(60_000)) }));
  const applied = { kind: 'applied', revision: rev(40) } as const;
  const answered = feed(longer, { kind: 'transacted', flight, outcome: applied }, 2_100);
  expect(answered.memory.reign!.deadline!.mono).toBeLessThanOrEqual(2_000 + 10_000);
});

test('a holder that is not cleared counts its right by the ttl that it inherited, not by a longer one of its own', () => {
  const waiting = leader({ reign: reign({ clearance: 'no', ttl: ms(10_000) }) });
  const sent = feed(withSettings(waiting, settingsOf({ timing: timingForTtl(ms(60_000)) })), { kind: 'tick' }, 2_000);
  expect(sentHeartbeat(sent)?.ttl).toBe(10_000);
  const flight = writing(sent, 'heartbeat')!.flight;
  const applied = { kind: 'applied', revision: rev(40) } as const;
  const answered = feed(sent.memory, { kind: 'transacted', flight, outcome: applied }, 2_100);
  expect(answered.memory.reign!.deadline!.mono).toBeLessThanOrEqual(2_000 + 10_000);
});

test('a shorter ttl is promised only when no longer right stands any more', () => {
  const long = timingForTtl(ms(60_000));
  const before = leader({ reign: reign({ deadline: instant(59_000), ttl: ms(60_000) }) });
  const shortened = withSettings({ ...before, settings: settingsOf({ timing: long }) }, DEFAULT_SETTINGS);
  const sent = feed(shortened, { kind: 'tick' }, 2_000);
  expect(sentHeartbeat(sent)?.ttl).toBe(60_000);
  const flight = writing(sent, 'heartbeat')!.flight;
  const applied = { kind: 'applied', revision: rev(40) } as const;
  const answered = feed(sent.memory, { kind: 'transacted', flight, outcome: applied }, 2_010);
  expect(answered.memory.reign?.deadline).toEqual(instant(59_000));
  const due = { ...answered.memory, reign: { ...answered.memory.reign!, dueAt: instant(50_000) } };
  expect(sentHeartbeat(feed(due, { kind: 'tick' }, 50_000))?.ttl).toBe(10_000);
});

const paused = (): Memory =>
  withSettings(
    leader({
      view: ownView({}, { paused: true }),
      reign: reign({ pausePublished: true, deadline: instant(1e9), dueAt: instant(2_000) }),
      guard: { alive: true, term: term(10), deadline: instant(1e9), lostSince: undefined },
    }),
    settingsOf({ pause: true }),
  );

test('a resume makes the right finite and arms the guard before the first unpaused heartbeat is sent (0002)', () => {
  const resumed = feed(
    paused(),
    { kind: 'view', view: ownView({ settings: keyed(DEFAULT_SETTINGS, 29) }, { paused: true }) },
    1_000,
  );
  expect(rightLeft(resumed.memory)).toBeLessThanOrEqual(10_000);
  expect(writing(resumed, 'heartbeat')).toBeUndefined();
  const arm = those(resumed, 'arm')[0]!;
  expect(remaining(arm.deadline, instant(1_000))).toBeLessThanOrEqual(10_000);
  const armed = feed(resumed.memory, { kind: 'guard', alive: true, term: term(10), deadline: arm.deadline }, 1_010);
  expect(sentHeartbeat(armed)?.paused).toBe(false);
});

test('after a pause in which the key vanished it is taken again only when the right has an end, and nothing is fenced', () => {
  const m = { ...paused(), reign: { ...paused().reign!, keyGone: true } };
  const gone = ownView({ settings: keyed(DEFAULT_SETTINGS, 29), leader: undefined }, { paused: true });
  const guard = { alive: true, term: undefined, deadline: undefined, lostSince: undefined };
  const resumed = feed({ ...m, guard }, { kind: 'view', view: gone }, 1_000);
  expect(writing(resumed, 'leader')).toBeUndefined();
  const { deadline } = those(resumed, 'arm')[0]!;
  const armed = feed(resumed.memory, { kind: 'guard', alive: true, term: term(10), deadline }, 1_010);
  expect(those(armed, 'run')).toEqual([]);
  const { flight } = writing(armed, 'leader')!;
  const again = feed(
    armed.memory,
    { kind: 'transacted', flight, outcome: { kind: 'applied', revision: rev(50) } },
    1_020,
  );
  expect(again.memory.reign).toMatchObject({ term: term(50) });
  expect(those(again, 'run')).toEqual([]);
});

test('after a resume whose heartbeat got no answer the right ends: it may have been written', () => {
  let m = feed(
    paused(),
    { kind: 'view', view: ownView({ settings: keyed(DEFAULT_SETTINGS, 29) }, { paused: true }) },
    1_000,
  ).memory;
  const { deadline } = m.reign!;
  const armed = feed(m, { kind: 'guard', alive: true, term: term(10), deadline }, 1_010);
  const lost = { kind: 'unknown', why: 'no answer' } as const;
  m = feed(
    armed.memory,
    { kind: 'transacted', flight: writing(armed, 'heartbeat')!.flight, outcome: lost },
    2_500,
  ).memory;
  expect(rightLeft(m)).toBeLessThan(8_000);
  const late = feed(m, { kind: 'tick' }, 9_000);
  expect(those(late, 'run').map((e) => e.task.kind)).toEqual(['fence']);
});

test('a leader whose fence does not succeed lets its right end by silence, and goes on once a fence is verified', () => {
  const stuck = { kind: 'stopped', systemId: 'system', cleanly: false, wasPrimary: true, position: undefined } as const;
  const trouble = {
    task: 'fence',
    count: 1,
    at: instant(0),
    notBefore: instant(0),
    message: 'two processes in state D',
  };
  const database = known({ ...stuck, generation: 2, leftovers: 2 });
  const m = leader({ database, trouble });
  expect(sentHeartbeat(feed(m, { kind: 'tick' }, 2_500))).toBeUndefined();
  expect(sentHeartbeat(feed({ ...m, mayBePrimary: false }, { kind: 'tick' }, 2_500))).toBeDefined();
  const fencing = { task: { kind: 'fence', reason: 'the database cannot write' }, since: instant(0) } as const;
  expect(sentHeartbeat(feed(leader({ task: fencing }), { kind: 'tick' }, 2_500))).toBeDefined();
  expect(
    sentHeartbeat(
      feed(leader({ task: fencing, failing: { since: instant(0), full: false } }), { kind: 'tick' }, 2_500),
    ),
  ).toBeUndefined();
});
