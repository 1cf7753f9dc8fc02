import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { known, unknown } from '../../../src/core/known.ts';
import type { Memory } from '../../../src/core/memory.ts';
import { decide, rules } from '../../../src/core/rules.ts';
import type { Action } from '../../../src/core/rules/rule.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { takeSnapshot } from '../../../src/core/snapshot.ts';
import { promiseSituations } from './quorum/situations.ts';
import { situations as plainSituations } from './situations.ts';
import { feed, instant, moment, positions } from './support.ts';
import { step } from '../../../src/core/agent.ts';

const situations = [...plainSituations, ...promiseSituations];
const ids = rules.map((r) => r.id);
const nameOf = (a: Action): string => {
  if (a.do === 'run') return `run:${a.task.kind}`;
  if (a.do === 'lead') return `lead:${a.how}`;
  return a.do === 'end-intent' ? `end-intent:${a.outcome}` : a.do;
};

describe('each rule decides where it should', () => {
  for (const [index, { rule, memory, wants }] of situations.entries())
    test(`${index + 1} ${rule}: ${wants.join(', ') || 'waits'}`, () => {
      const found = decide(takeSnapshot(memory, positions));
      expect(found.rule.id).toBe(rule);
      expect(found.decision.actions.map(nameOf)).toEqual(wants);
      expect(found.rule.why.length).toBeGreaterThan(10);
    });
});

test('every rule is reached by a situation, and nothing is reached that is no rule', () => {
  const reached = new Set(situations.map(({ memory }) => decide(takeSnapshot(memory, positions)).rule.id));
  expect([...reached].toSorted()).toEqual(ids.toSorted());
});

test('rule ids are unique, and the last rule always holds', () => {
  expect(new Set(ids).size).toBe(ids.length);
  expect(rules.at(-1)?.when(takeSnapshot(situations[0]!.memory, positions))).toBe(true);
});

/** A memory put together from pieces of different situations: strange on purpose. */
const pieces = fc.constantFrom(...situations.map(({ memory }) => memory));
const mixed = fc
  .tuple(pieces, pieces, pieces, pieces, pieces, fc.integer({ min: -30_000, max: 90_000 }), fc.boolean())
  .map(([a, b, c, d, e, now, pause]): Memory => ({
    ...a,
    now: instant(now),
    view: b.view,
    silence: b.silence,
    reign: c.reign,
    handover: c.handover,
    database: d.database,
    mayBePrimary: d.mayBePrimary,
    task: e.task,
    trouble: e.trouble,
    peers: e.peers,
    settings: { ...DEFAULT_SETTINGS, pause },
  }));

test('some rule decides, whatever the memory holds', () => {
  fc.assert(
    fc.property(mixed, (m) => {
      const { rule, decision } = decide(takeSnapshot(m, positions));
      expect(ids).toContain(rule.id);
      expect(decision.actions.length).toBeLessThanOrEqual(2);
    }),
    { numRuns: 3_000 },
  );
});

test('a step never throws, asks to be woken within a second, and is the same for the same input', () => {
  fc.assert(
    fc.property(mixed, (m) => {
      const at = moment(m.now.mono);
      const next = step(m, { kind: 'tick' }, at, positions);
      expect(next.wakeIn).toBeGreaterThanOrEqual(1);
      expect(next.wakeIn).toBeLessThanOrEqual(1_000);
      expect(step(m, { kind: 'tick' }, at, positions)).toEqual(next);
    }),
    { numRuns: 2_000 },
  );
});

test('no step promotes, or lets a database be primary, without a right: fence, or a proven and cleared reign (D4, D5)', () => {
  fc.assert(
    fc.property(mixed, (m) => {
      const next = feed(m, { kind: 'tick' }, m.now.mono);
      for (const effect of next.effects) {
        if (effect.kind !== 'run' || effect.task.kind !== 'promote') continue;
        const { reign, guard } = next.memory;
        expect(reign?.clearance).not.toBe('no');
        expect(reign?.deadline?.mono).toBeGreaterThan(m.now.mono);
        expect(reign?.unsettled).toBe(false);
        expect(guard).toMatchObject({ alive: true, term: reign?.term });
      }
    }),
    { numRuns: 3_000 },
  );
});

test('not knowing is not the same as nothing: an unseen store or database leads to no action', () => {
  for (const { memory } of situations) {
    const blind = { ...memory, view: undefined, mayBePrimary: false, reign: undefined, owedFence: undefined };
    expect(decide(takeSnapshot(blind, positions)).decision.actions).toEqual([]);
    const unseen = { ...memory, database: unknown('not looked'), mayBePrimary: false, handover: undefined };
    const actions = decide(takeSnapshot({ ...unseen, owedFence: undefined }, positions)).decision.actions;
    expect(actions).toEqual([]);
  }
  expect(known(1)).toEqual({ kind: 'known', value: 1 });
});
