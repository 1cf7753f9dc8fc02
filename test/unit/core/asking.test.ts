import { describe, expect, test } from 'vitest';
import { completeRound, lookedSince, peersToAsk } from '../../../src/core/asking.ts';
import { known, unknown } from '../../../src/core/known.ts';
import type { PeerRound } from '../../../src/core/memory.ts';
import { answer, feed, follower, heartbeat, instant, keyed, name, position, those, view } from './support.ts';

const vacant = view({ leader: undefined, heartbeat: keyed(heartbeat({ released: true }), 20) });
const silentB = (at: number): PeerRound => ({
  at: instant(at),
  answers: new Map([
    [name('b'), unknown('no answer')],
    [name('c'), known(answer('c'))],
  ]),
});

describe('who is asked', () => {
  test('everybody else', () => {
    expect(peersToAsk(follower({ peers: silentB(0) }))).toEqual(['b', 'c']);
  });

  test('while nobody leads, not those that were silent just now', () => {
    expect(peersToAsk(follower({ vacantSince: instant(-10), peers: silentB(-500) }))).toEqual(['c']);
    expect(peersToAsk(follower({ vacantSince: instant(-10), peers: silentB(-1_001) }))).toEqual(['b', 'c']);
  });

  test('what is believed of those that were not asked stays', () => {
    const round = { at: instant(0), answers: new Map([[name('c'), known(answer('c'))]]) };
    const m = follower({ vacantSince: instant(-10), peers: silentB(-500) });
    expect([...completeRound(m, round).answers.keys()]).toEqual(['b', 'c']);
    expect([...completeRound(follower({ peers: silentB(-500) }), round).answers.keys()]).toEqual(['c']);
  });
});

describe('answers count from the end of the last right on', () => {
  const told = (at: number, over: Parameters<typeof answer>[1]): PeerRound => ({
    at: instant(at),
    answers: new Map([[name('c'), known(answer('c', over))]]),
  });

  test.each([
    ['asked before it', told(-1, { lookedAgo: 0 }), false],
    ['asked after it, looked before it', told(30, { lookedAgo: 31 }), false],
    ['looked after it', told(30, { lookedAgo: 29 }), true],
    ['an agent that does not tell, asked after it', told(30, {}), true],
    ['a primary says no position to go by', told(-1, { role: 'primary', lookedAgo: 500 }), true],
    ['no answer', { at: instant(-1), answers: new Map([[name('c'), unknown('no answer')]]) }, true],
    ['nobody was asked', undefined, false],
  ])('%s', (_, round, expected) => {
    expect(lookedSince(round, instant(0))).toBe(expected);
  });

  test('a member that was asked before does not stand on that: a last write may have reached the other since', () => {
    const before = follower({ view: vacant, vacantSince: instant(-20), peers: told(-300, { lookedAgo: 10 }) });
    const asking = feed(before, { kind: 'tick' }, 1);
    expect(asking.memory.decision.rule).not.toBe('election.stand');
    expect(those(asking, 'ask-peers')).toHaveLength(1);
    const ahead = told(2, { lookedAgo: 5, position: position(2, 170) });
    const heard = feed(asking.memory, { kind: 'peers', round: ahead }, 6);
    expect(heard.memory.decision.rule).toBe('election.give-way');
  });

  test('a member that cannot look again holds nobody up for long', () => {
    const m = follower({ view: vacant, vacantSince: instant(-499), peers: told(-10, { lookedAgo: 1_000 }) });
    expect(feed(m, { kind: 'tick' }, 0).memory.decision.rule).not.toBe('election.stand');
    expect(feed(m, { kind: 'tick' }, 1).memory.decision.rule).toBe('election.stand');
  });
});
